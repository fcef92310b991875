"""Recipes by name."""

from typing import Any

from grokscope.registry import component, names
from grokscope.runs.config import RunConfig
from grokscope.runs.fields import COMPONENTS


def recipe(name: str, /, **fields: Any) -> RunConfig:
    """The config of a recipe with some fields changed, such as recipe("quickstart", seed=1, weight_decay=0.5)."""
    config: RunConfig = component("recipes", name)()
    return config.replace(**fields) if fields else config


def nearest(config: RunConfig) -> tuple[str, dict[str, Any]]:
    """The recipe that differs from a config in the fewest fields, and these fields with their values in JSON's own
    types: `recipe(name, **fields)` is the config."""
    wanted = config.plain
    options = [component(family, getattr(config, field)).options for field, family in COMPONENTS.items()]
    required = {name: wanted[name] for of in options for name, field in of.model_fields.items() if field.is_required()}
    found: list[tuple[int, str, dict[str, Any]]] = []
    for name in names("recipes"):
        known = recipe(name, **{field: getattr(config, field) for field in COMPONENTS}, **required).plain
        own = recipe(name).plain
        fields = {field: value for field, value in wanted.items() if field not in known or value != known[field]}
        chosen = {field: wanted[field] for field in (*COMPONENTS, *required) if wanted[field] != own.get(field)}
        found.append((len(chosen | fields), name, chosen | fields))
    _, name, fields = min(found, key=lambda one: one[:2])
    return name, fields

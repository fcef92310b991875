"""Recipes by name."""

from typing import Any

from grokscope.registry import component
from grokscope.runs.config import RunConfig


def recipe(name: str, /, **fields: Any) -> RunConfig:
    """The config of a recipe with some fields changed, such as recipe("quickstart", seed=1, weight_decay=0.5)."""
    config: RunConfig = component("recipes", name)()
    return config.replace(**fields) if fields else config

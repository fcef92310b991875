"""The fields of a config by the names that people give them: near ones, those of another tool, those of a component
that the config does not have."""

import json
import re
from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from grokscope.registry import NEAR, component, names, near, unknown

# Fields that name a component; the options of that component are fields of the config too.
COMPONENTS = {"task": "tasks", "model": "models", "loss": "losses", "optimizer": "training.optimizers"}
# Every run has all components of this family; their options are fields of every config.
TRANSFORMS = "training.transforms"
# What others call the fields, in released code of the recipes' papers and in PyTorch.
ALSO_CALLED = {
    "alpha": "output_scale",
    "beta": "betas",
    "bs": "batch_size",
    "data_fraction": "train_fraction",
    "embed_dim": "d_model",
    "epochs": "max_steps",
    "eval_every": "evaluate_every",
    "frac_train": "train_fraction",
    "hidden_size": "d_mlp",
    "iterations": "max_steps",
    "layers": "n_layers",
    "lr": "learning_rate",
    "mod": "p",
    "modulus": "p",
    "n_epochs": "max_steps",
    "num_epochs": "max_steps",
    "num_heads": "n_heads",
    "num_layers": "n_layers",
    "num_steps": "max_steps",
    "n_steps": "max_steps",
    "opt": "optimizer",
    "prime": "p",
    "random_seed": "seed",
    "steps": "max_steps",
    "train_frac": "train_fraction",
    "train_steps": "max_steps",
    "training_fraction": "train_fraction",
    "warmup": "warmup_steps",
    "wd": "weight_decay",
    "width": "d_mlp",
}


_UNIT = re.compile(r" ?\[([^\[\]]*)\]")  # of a description, such as "learning rate [1]"


def described(name: str, field: FieldInfo) -> dict[str, Any]:
    """What people must know of a field: its default (None where there is none, or where it must be given), whether it
    is required, its unit, what it is, and its choices: values, or the bounds of a number."""
    said = field.description or ""
    units = _UNIT.findall(said)
    return {
        "default": None if field.is_required() or field.default is PydanticUndefined else field.default,
        "required": field.is_required(),
        "unit": units[-1] if units else "",
        "choices": names(COMPONENTS[name]) if name in COMPONENTS else _choices(field),
        "what": _UNIT.sub("", said),
    }


def _choices(field: FieldInfo) -> tuple[str, ...]:
    kinds = [one for one in (field.annotation, *get_args(field.annotation)) if get_origin(one) is Literal]
    if kinds:
        return get_args(kinds[0])
    if field.annotation is bool or bool in get_args(field.annotation):
        return ("true", "false")
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [(sign, getattr(rule, name, None)) for rule in field.metadata for name, sign in signs.items()]
    told = [f"{sign} {bound:g}" for sign, bound in bounds if bound is not None and bound < 2**63]
    return (" and ".join(told),) if told else ()


def as_typed(value: Any) -> str:
    """A value as `--set` takes it."""
    if isinstance(value, list | tuple) and value and not any(isinstance(one, str) for one in value):
        return ",".join(map(as_typed, value))
    return value if isinstance(value, str) else json.dumps(value)


def field_named(name: str, known: Iterable[str], *, cutoff: float = NEAR) -> str | None:
    """The field of the known ones that a name stands for: itself, what others call so, or the nearest one."""
    spelt, known = name.lower().replace("-", "_"), set(known)
    if spelt in known:
        return spelt
    if (other := ALSO_CALLED.get(spelt)) in known:
        return other
    return next(iter(near(name, known, cutoff)), None)


def unknown_field(name: str, known: Iterable[str]) -> str:
    """The message for a field that a config does not have. known: those that it has."""
    owners = [
        (kind, one)
        for kind, family in COMPONENTS.items()
        for one in names(family)
        if name in component(family, one).options.model_fields
    ]
    if owners:
        kind, first = owners[0]
        of = " and ".join(f"{kind} {one}" for kind, one in owners)
        return f"{name} is a field of {of}, which this config does not have: set {kind}={first} too"
    return unknown("field", name, known, nearest=field_named(name, known))

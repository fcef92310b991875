"""Finds components: one component a file; the file's name is its id; the object named like the file is the component.

`grokscope/tasks/modular_addition.py` defines `modular_addition`; `grokscope/measures/circuits/restricted_loss.py`
defines `restricted_loss`, whose id is `circuits.restricted_loss`. Adding a component is adding a file: no list is
edited. Listing imports nothing; a component's module is imported when it is first asked for.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict

NOT_COMPONENTS = {"base"}
SINGULAR = {"losses": "loss", "cli": "command", "training.optimizers": "optimizer"}


class Options(BaseModel):
    """What can be set of a component: a frozen record of validated fields, each described with its unit."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@cache
def names(family: str) -> tuple[str, ...]:
    """Ids of all components of a family (`tasks`, `models`, `losses`, `measures`, `recipes`, ...), sorted."""
    return tuple(sorted(_walk(f"grokscope.{family}")))


def component(family: str, name: str) -> Any:
    """The component `name` of a family.

    Raises ValueError, naming the nearest match, when there is no such component.
    """
    if name not in names(family):
        raise ValueError(unknown(SINGULAR.get(family, family.removesuffix("s")), name, names(family)))
    module = importlib.import_module(f"grokscope.{family}.{name}")
    return getattr(module, name.rpartition(".")[2])


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for an unknown name: what came, what is nearest, what there is."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    offer = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {name!r}.{offer} Known: {', '.join(known)}."


def _walk(package_name: str, prefix: str = "") -> Iterable[str]:
    package = importlib.import_module(package_name)
    for info in pkgutil.iter_modules(package.__path__):
        if info.name in NOT_COMPONENTS or info.name.startswith("_"):
            continue
        if info.ispkg:
            yield from _walk(f"{package_name}.{info.name}", f"{prefix}{info.name}.")
        else:
            yield prefix + info.name

"""Finds components. A component is a file; its id is the file's name, and the object of that name is the component.
A component of several files is a package that has a file of the package's name.

`grokscope/tasks/modular_addition.py` defines `modular_addition`; `grokscope/measures/circuits/restricted_loss.py`
defines `restricted_loss`, whose id is `circuits.restricted_loss`. Adding a component is adding a file: no list is
edited. Listing imports nothing; a component's module is imported at its first use.
"""

import difflib
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

NOT_COMPONENTS = {"base", "analyses", "parts"}
PER_REPLICA = "per_replica"  # the mark of a field
LONGEST = 80  # characters of a value in a message
# What there are components of: the plural, as users say it, and the package. Kinds are added by hand; components never.
FAMILIES = {
    "tasks": "tasks",
    "models": "models",
    "losses": "losses",
    "optimizers": "training.optimizers",
    "transforms": "training.transforms",
    "measures": "measures",
    "recipes": "recipes",
    "theories": "theories",
    "tables": "studies.tables",
    "executors": "studies.executors",
    "figures": "report.figures",
    "sections": "report.run.sections",
    "weight-formats": "runs.foreign.formats",
    "curve-formats": "runs.curves.formats",
    "benchmarks": "benchmarks",
    "commands": "cli",
}


class Record(BaseModel):
    """Frozen, validated fields. A wrong field raises a ValueError of one line."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            known = type(self).model_fields
            raise ValueError("; ".join(_sentence(mistake, known) for mistake in error.errors())) from None
        for name, value in self:
            if isinstance(value, int) and abs(value) >= 2**63:
                raise ValueError(f"{name}: whole numbers lie below 2^63 (got {shortened(value)})")


class Options(Record):
    """The options of a component; each field is described with its unit."""


def per_replica(default: Any, **rules: Any) -> Any:
    """A field that may differ between the replicas of a pack; the rules are those of `pydantic.Field`."""
    return Field(default, json_schema_extra={PER_REPLICA: True}, **rules)


def may_differ(options: type[Record]) -> set[str]:
    """Names of the fields that `per_replica` made."""
    extras = {name: field.json_schema_extra for name, field in options.model_fields.items()}
    return {name for name, extra in extras.items() if isinstance(extra, dict) and PER_REPLICA in extra}


@cache
def names(family: str) -> tuple[str, ...]:
    """Ids of all components of a family (`tasks`, `models`, `losses`, `measures`, `recipes`, ...), sorted."""
    if importlib.util.find_spec(f"grokscope.{family}") is None:
        return ()
    return tuple(sorted(_walk(f"grokscope.{family}")))


def component(family: str, name: str) -> Any:
    """The component `name` of a family.

    Raises ValueError, naming the nearest match, when there is no such component.
    """
    if name not in names(family):
        raise ValueError(unknown(_singular(family), name, names(family)))
    last, place = name.rpartition(".")[2], f"grokscope.{family}.{name}"
    return getattr(importlib.import_module(f"{place}.{last}" if _is_component(place) else place), last)


def unknown(kind: str, name: Any, known: Iterable[str]) -> str:
    """The message for an unknown name: what came, the nearest known name, all known names."""
    name, known = str(name), sorted(known)
    if len(name) > LONGEST:
        return f"unknown {kind} {shortened(name)}. Known: {', '.join(known)}."
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    offer = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {name!r}.{offer} Known: {', '.join(known)}."


def shortened(value: Any) -> str:
    """The repr of a value, cut to LONGEST characters, for a message of one line."""
    if isinstance(value, int) and abs(value) >= 10**LONGEST:  # Python refuses to write very long ones
        return "a number of more than 80 digits"
    try:
        text = repr(value)
    except RecursionError:
        return f"a {type(value).__name__} nested too deep"
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}… ({len(text):,} characters)"


def _singular(family: str) -> str:
    """What one component of a family is called."""
    plural = next((plural for plural, place in FAMILIES.items() if place == family), family)
    return "theory" if plural == "theories" else "loss" if plural == "losses" else plural.removesuffix("s")


def _sentence(error: Any, known: Iterable[str]) -> str:
    """An error of pydantic as a sentence: the field, what was expected, what came."""
    field = ".".join(str(part)[:LONGEST] for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return unknown("field", field, known)
    message = error["msg"].removeprefix("Value error, ")
    if not field:
        return message
    given = f" (got {shortened(error['input'])})" if not isinstance(error["input"], Mapping) else ""
    return f"{field}: {message[0].lower()}{message[1:]}{given}"


@cache
def _is_component(place: str) -> bool:
    """Whether a module is a package that holds one component: a package with a file of its own name."""
    spec = importlib.util.find_spec(place)
    folders = spec.submodule_search_locations if spec else None
    return any((Path(folder) / f"{place.rpartition('.')[2]}.py").is_file() for folder in folders or ())


def _walk(package_name: str, prefix: str = "") -> Iterable[str]:
    package = importlib.import_module(package_name)
    for info in pkgutil.iter_modules(package.__path__):
        if info.name in NOT_COMPONENTS or info.name.startswith("_"):
            continue
        if info.ispkg and not _is_component(f"{package_name}.{info.name}"):
            yield from _walk(f"{package_name}.{info.name}", f"{prefix}{info.name}.")
        else:
            yield prefix + info.name

"""Readings: the numbers that a prediction reads of a run.

    At("after", Instrument("circuits.gini_embedding"))     of one snapshot; the worker that trained the run stores it
    Series("half of the rise", of, ("weights.norm",))       of the stored series
    Fact("n_train", of)                                     of the config alone

Judging takes no reading of a snapshot: `Subject.value` looks it up.
"""

import ast
import dataclasses
import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.base import Value, evaluate
from grokscope.predictions.syntax import plain
from grokscope.registry import component, kept, names
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.store.rows import Rows

Number: TypeAlias = float | Missing
# The first checkpoint; the middle of the memorised window; the last checkpoint; the checkpoints nearest to t_mem and to
# onset. A control's t_mem and onset are those of the run whose truth it is held against.
Stage = Literal["untrained", "memorised", "after", "t_mem", "onset"]
REFERRED: tuple[Stage, ...] = ("t_mem", "onset")


@dataclass(frozen=True)
class Instrument:
    """A number of one snapshot: a measure with options. element: of a small array; None: the mean of all.

    table: the elements that the null of permuted residues permutes: symbols, labels or neither.
    """

    measure: str
    options: Mapping[str, object] = field(default_factory=dict, hash=False)
    element: int | str | None = None
    table: str = ""

    def __call__(self, snapshot: Snapshot) -> Number:
        if self.measure not in names("measures"):
            return Missing(f"the measure {self.measure} is not available")
        value: Value | Missing = evaluate(self.measure, snapshot, **self.options)
        if isinstance(value, Missing):
            return value
        if isinstance(value, Mapping):
            if self.element is None:
                return float(np.mean(list(value.values())))
            return value.get(str(self.element), Missing(f"no answer at {self.element}"))
        if self.element is None:
            return float(np.mean(np.asarray(value)))
        return float(np.asarray(value)[int(self.element)])

    @property
    def view(self) -> str:
        """The part of its stored view that the options make."""
        return ",".join(f"{name}={value}" for name, value in self.options.items())

    @property
    def label(self) -> str:
        """The measure with its options: manifold.gride[view=resid_mid/orbits]."""
        return f"{self.measure}[{self.view}]" if self.options else self.measure

    @property
    def digest(self) -> str:
        """A hash of the measure's code, words aside, of options and element: another digest is another definition."""
        about = [_source(self.measure), self.view, str(self.element)]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:12]

    def stored(self, rows: Rows, step: int) -> float | None:
        """The number that the run has stored at a step; None where it has none."""
        measure = component("measures", self.measure) if self.measure in names("measures") else None
        if measure is None or dict(self.options) not in [dict(variant) for variant in measure.variants]:
            return None
        element = "" if self.element is None else str(self.element)
        wanted = ",".join(filter(None, (self.view, f"{measure.axis}={element}" if measure.axis or element else "")))
        here = rows.steps == step
        if self.element is None and measure.axis:  # every element
            here &= np.array([str(view).startswith(wanted) for view in rows.views], dtype=bool)
        else:
            here &= rows.views == wanted
        return float(np.mean(rows.values[here])) if here.any() else None


@dataclass(frozen=True)
class At:
    """An instrument at a stage of a run. instead: the value that stands for no answer."""

    stage: Stage
    instrument: Instrument
    instead: float | None = None

    @property
    def key(self) -> str:
        """Its name in the store: manifold.gride[view=resid_mid/orbits]#4 @ after."""
        element = "" if self.instrument.element is None else f"#{self.instrument.element}"
        return f"{self.instrument.label}{element} @ {self.stage}"

    @property
    def measures(self) -> tuple[str, ...]:
        return (self.instrument.label,)

    def otherwise(self, value: float) -> "At":
        """The same, a value standing for no answer."""
        return dataclasses.replace(self, instead=value)

    def to_json(self) -> dict[str, Any]:
        """In JSON's own types; `from_json` reads it."""
        of = self.instrument
        return {"stage": self.stage, "measure": of.measure, "options": dict(of.options), "element": of.element}

    @classmethod
    def from_json(cls, about: Mapping[str, Any]) -> "At":
        """What `to_json` wrote."""
        return cls(about["stage"], Instrument(about["measure"], about["options"], about["element"]))


@dataclass(frozen=True)
class Series:
    """A number of the stored series of a run. of: may read the series of `measures` and of behaviour, no others.
    at_checkpoints: measures that every checkpoint must have."""

    name: str
    of: Callable[[Any], Number]  # of a `Subject`
    measures: tuple[str, ...] = ()
    at_checkpoints: tuple[str, ...] = ()
    instead: float | None = None

    @property
    def key(self) -> str:
        return self.name

    def otherwise(self, value: float) -> "Series":
        """The same, a value standing for no answer."""
        return dataclasses.replace(self, instead=value)


@dataclass(frozen=True)
class Fact:
    """A number that follows from the config of a run and its task."""

    name: str
    of: Callable[[Any], Number]  # of a `Subject`
    instead: float | None = None
    measures: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.name


Reading: TypeAlias = At | Series | Fact


def answered(values: Iterable[Number]) -> list[float]:
    """The numbers among some answers."""
    return [value for value in values if not isinstance(value, Missing)]


def at(stage: Stage, measure: str, element: int | str | None = None, **options: object) -> At:
    """The reading of a measure with some options at a stage."""
    return At(stage, Instrument(measure, options, element))


def _source(measure: str) -> str:
    """The syntax of the module of a measure, without its words; its name where there is no such measure."""
    return _syntax(measure) if measure in names("measures") else measure


@kept
def _syntax(measure: str) -> str:
    module = inspect.getmodule(component("measures", measure).function)
    path = getattr(module, "__file__", None)
    return json.dumps(plain(ast.parse(Path(path).read_text(encoding="utf-8")))) if path else measure

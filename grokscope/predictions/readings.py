"""What a prediction reads of a run: numbers of one snapshot, of the stored series, and of the config alone.

    At("after", Instrument("circuits.gini_embedding"))     taken by the worker that trained the run, and stored
    Series("half of the rise", of, ("weights.norm",))       computed of the numbers in the store
    Fact("n_train", of)                                     follows from the config

Judging takes none of them anew: `Subject.value` looks them up.
"""

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.base import Value, evaluate
from grokscope.registry import component, names
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.store.rows import Rows

Number: TypeAlias = float | Missing
# The first checkpoint; the middle of the memorised window; the last checkpoint. And the checkpoints nearest to t_mem
# and to onset: of a control, of the run whose truth it is held against.
Stage = Literal["untrained", "memorised", "after", "t_mem", "onset"]
REFERRED: tuple[Stage, ...] = ("t_mem", "onset")


@dataclass(frozen=True)
class Instrument:
    """A number of one snapshot: a measure with options, and which element of a small array, or the mean of all.

    table: whose elements change places in the null of permuted residues: symbols, labels or neither.
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
        """The view under which a run stores it, as far as the options go."""
        return ",".join(f"{name}={value}" for name, value in self.options.items())

    @property
    def label(self) -> str:
        """The measure with its options: manifold.gride[view=resid_mid/orbits]."""
        return f"{self.measure}[{self.view}]" if self.options else self.measure

    @property
    def digest(self) -> str:
        """Of the source of the measure, its options and the element: a reading of another digest is of another
        definition."""
        about = [_source(self.measure), self.view, str(self.element)]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:12]

    def stored(self, rows: Rows, step: int) -> float | None:
        """The number as the run has it at a step, if it has."""
        measure = component("measures", self.measure) if self.measure in names("measures") else None
        if measure is None or dict(self.options) not in [dict(variant) for variant in measure.variants]:
            return None
        parts = list(filter(None, (self.view, f"{measure.axis}={self.element}" if self.element is not None else "")))
        wanted = ",".join(parts)
        here = rows.steps == step
        if self.element is None and measure.axis:
            start = f"{wanted},{measure.axis}=" if wanted else f"{measure.axis}="
            here &= np.array([str(view).startswith(start) for view in rows.views], dtype=bool)
        else:
            here &= rows.views == wanted
        return float(np.mean(rows.values[here])) if here.any() else None


@dataclass(frozen=True)
class At:
    """An instrument at a stage of a run. instead: the value where there is none."""

    stage: Stage
    instrument: Instrument
    instead: float | None = None

    @property
    def key(self) -> str:
        """What it is called in the store: manifold.gride[view=resid_mid/orbits]#4 @ after."""
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
    """A number of what a run has stored. of: sees of its series only those of `measures`, and the behaviour ones.
    at_checkpoints: those that must be measured at every checkpoint."""

    name: str
    of: Callable[[Any], Number]  # of a `subject.Subject`
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
    of: Callable[[Any], Number]  # of a `subject.Subject`
    instead: float | None = None
    measures: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.name


Reading: TypeAlias = At | Series | Fact


def at(stage: Stage, measure: str, element: int | str | None = None, **options: object) -> At:
    """What a measure with some options reads at a stage."""
    return At(stage, Instrument(measure, options, element))


@cache
def _source(measure: str) -> str:
    """The text of the module of a measure; its name where there is no such measure."""
    if measure not in names("measures"):
        return measure
    module = inspect.getmodule(component("measures", measure).function)
    path = getattr(module, "__file__", None)
    return Path(path).read_text(encoding="utf-8") if path else measure

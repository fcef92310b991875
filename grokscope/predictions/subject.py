"""A run as predictions look at it: its phases, its stored series, and the readings taken of it."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.errors import Missing, StoreError
from grokscope.predictions.readings import At, Fact, Number, Reading, Series
from grokscope.runs.config import RunConfig
from grokscope.runs.outcomes import CURVES, phases_of_curves
from grokscope.runs.run import Run
from grokscope.runs.store.readings import Place, Record
from grokscope.runs.store.rows import Rows, read_many
from grokscope.statistics.transitions import Phases
from grokscope.tasks.base import Truth


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A run, and what its controls and predictions need.

    truth: of a control with random labels, the task whose ground truth it is held against; its classes are its own
    labels. reference: the run whose windows of steps such a control has; unpaired: why there is none, and then it has
    no window. untrained: the control of step 0: every stage is the first checkpoint. records: readings taken, of this
    run among others. numbers: series that were read before; others are read when asked for.
    """

    run: Run
    truth: "HeldTruth | None" = None
    reference: Run | None = None
    untrained: bool = False
    unpaired: Missing | None = None
    records: Mapping[Place, Record] = field(default_factory=dict)
    numbers: "Numbers | None" = None

    @property
    def config(self) -> RunConfig:
        return self.run.config

    @property
    def true(self) -> Truth:
        """The truth that it is held against."""
        return self.run.task.truth if self.truth is None else self.truth.task.truth

    @cached_property
    def phases(self) -> Phases:
        """The phases on all test inputs."""
        return self.phases_by("test")

    @cached_property
    def fresh(self) -> Phases:
        """The phases on fresh test inputs, where symmetry alone answers nothing; on all of them without fresh ones."""
        return self.phases_by("fresh" if len(self.rows("behaviour.fresh_accuracy")) else "test")

    def phases_by(self, split: str, **thresholds: Any) -> Phases:
        """`Run.phases`, from the numbers that were read before where there are any."""
        if self.numbers is None:
            return self.run.phases(split, **thresholds)
        curves = {curve: self.rows(f"behaviour.{curve.replace('test', split)}") for curve in CURVES}
        return phases_of_curves({curve: (rows.steps, rows.values) for curve, rows in curves.items()}, thresholds)

    def stages_of_reference(self, fresh: bool) -> Phases | Missing:
        """The phases, on fresh or on all test inputs, of the run itself; of a control those of its reference, for it is
        asked whether it changes when that one does. `Missing` where its seed has no reference."""
        if self.unpaired is not None:
            return self.unpaired
        return self._reference.fresh if fresh else self._reference.phases

    @cached_property
    def _reference(self) -> "Subject":
        return self if self.reference is None else Subject(run=self.reference, numbers=self.numbers)

    def transition(self, fresh: bool) -> tuple[int, int] | Missing | None:
        """The window of the transition in these phases; None where there is none."""
        phases = self.stages_of_reference(fresh)
        return phases if isinstance(phases, Missing) else phases.transition

    def rows(self, measure: str) -> Rows:
        """The stored numbers of a measure. ValueError within a reading that has not declared it."""
        if self._open is not None and not measure.startswith("behaviour.") and measure not in self._open:
            raise ValueError(f"a reading looks at {measure}, which it has not declared; it declares {self._open}")
        if measure not in self._rows:
            of = self.run.rows if self.numbers is None else self.numbers.of(self.run)
            self._rows[measure] = of(measure)
        return self._rows[measure]

    def value(self, reading: Reading) -> Number:
        """A reading of this run: looked up, or computed from the stored series; never from a checkpoint."""
        if reading not in self._values:
            self._values[reading] = self._value(reading)
        return self._values[reading]

    def record(self, reading: At) -> Record | None:
        """The stored record of a reading; None where it was not taken."""
        truth = "" if self.truth is None else self.truth.digest
        return self.records.get((self.run.id, self.key(reading), truth))

    def key(self, reading: Reading) -> str:
        """The name under which a reading of it is kept."""
        at_start = self.untrained and isinstance(reading, At)
        return replace(reading, stage="untrained").key if at_start else reading.key

    def _value(self, reading: Reading) -> Number:
        try:
            if isinstance(reading, At):
                value = self._taken(reading)
            elif isinstance(reading, Fact):
                value = reading.of(self)
            else:
                with self._seeing(reading):
                    value = reading.of(self)
        except StoreError as error:  # one unreadable run must not lose the others
            value = Missing(str(error))
        if isinstance(value, float) and not math.isfinite(value):
            value = Missing(f"the reading {reading.key} of run {self.run.id} is {value}, which is no answer")
        return reading.instead if isinstance(value, Missing) and reading.instead is not None else value

    def _taken(self, reading: At) -> Number:
        record = self.record(reading)
        if record is None:
            key = self.key(reading)
            return Missing(f"nobody has taken the reading {key} of run {self.run.id}; the same study takes it")
        return record.number

    @contextmanager
    def _seeing(self, reading: Series) -> Iterator[None]:
        self.__dict__["_open"] = tuple(measure.partition("[")[0] for measure in reading.measures)
        try:
            yield
        finally:
            self.__dict__["_open"] = None

    @cached_property
    def _open(self) -> tuple[str, ...] | None:
        return None

    @cached_property
    def _rows(self) -> dict[str, Rows]:
        return {}

    @cached_property
    def _values(self) -> dict[Reading, Number]:
        return {}


class Numbers:
    """The series of many runs, each pack read once."""

    def __init__(self, measures: Iterable[str]) -> None:
        self._measures = sorted(set(measures))
        self._packs: dict[Path, Mapping[tuple[str, str], Rows]] = {}

    def of(self, run: Run) -> Callable[[str], Rows]:
        """From a measure to what the run has stored of it."""

        def rows(measure: str) -> Rows:
            if measure not in self._measures:
                return run.rows(measure)
            if run.folder not in self._packs:
                self._packs[run.folder] = read_many(run.folder, self._measures)
            return self._packs[run.folder].get((run.id, measure), NOTHING)

        return rows


NOTHING = Rows(
    steps=np.array([], np.int64),
    values=np.array([], np.float64),
    runs=np.array([], object),
    measures=np.array([], object),
    views=np.array([], object),
)


@dataclass(frozen=True)
class HeldTruth:
    """The task whose truth a control is held against: its fields in the config, in JSON's own types."""

    fields: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, config: RunConfig) -> "HeldTruth":
        """The task of a config."""
        about = {"task": config.task} | config.options("task").model_dump(mode="json")
        return cls.from_json(about.items())

    @classmethod
    def from_json(cls, fields: Iterable[Any]) -> "HeldTruth":
        """From pairs of a name and a value in JSON's own types."""
        return cls(tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in fields))

    @property
    def digest(self) -> str:
        """Its name in the store."""
        return hashlib.sha256(json.dumps(self.fields).encode()).hexdigest()[:12]

    @cached_property
    def task(self) -> Any:
        """The task itself, with its truth and its right answers."""
        return RunConfig(**dict(self.fields)).build_task()

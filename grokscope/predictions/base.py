"""What a theory is: predictions as data, each with its arms, its statistic, and what would support and refute it.

A statistic turns runs by arm into one sample: a number a seed, k of n, times with censoring, a fit with an interval of
its own, or a test. What a sample says of a prediction is decided in `verdict`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.families import AnyFamily
from grokscope.predictions.readings import Number, Reading, Series
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import NOWHERE, Family, Region

Lang = Literal["en", "zh"]
Text: TypeAlias = Mapping[Lang, str]
UNTRAINED = "untrained"  # the arm that is step 0 of the base, and needs no run of its own


class Answers:
    """The values of the readings that a prediction declares, of one run: `answers[READING]`."""

    def __init__(self, subject: Subject, readings: frozenset[Reading]) -> None:
        self.config = subject.config
        self._subject, self._readings = subject, readings

    def __getitem__(self, reading: Reading) -> Any:
        """The value, or `Missing`. ValueError for a reading that is not declared."""
        if reading not in self._readings:
            raise ValueError(f"a statistic asks for {reading.key}, which its prediction does not declare")
        return self._subject.value(reading)


# Arms with the answers of their seeds, which are paired by the number of their seed (`seeds`), not by their place.
Given: TypeAlias = Arms[Answers]


@dataclass(frozen=True)
class Means:
    """One number a seed; the effect is their mean."""

    values: tuple[Number, ...]


@dataclass(frozen=True)
class Shares:
    """1 or 0 a seed; the effect is the share of ones."""

    values: tuple[Number, ...]


@dataclass(frozen=True, kw_only=True)
class Times:
    """Times until something happens in two arms, with whether it did; the effect is the hazard ratio, of the treated
    over the others: above 1 sooner."""

    treated: tuple[Float[np.ndarray, " run"], Bool[np.ndarray, " run"]]
    others: tuple[Float[np.ndarray, " run"], Bool[np.ndarray, " run"]]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """An effect of all runs together (a slope), n seeds, with its intervals by level."""

    value: float
    n: int
    intervals: Family


@dataclass(frozen=True, kw_only=True)
class Test:
    """A test of "no effect": its statistic, p, and the power it had against the effect that was claimed.

    Supported where p, corrected, is at most `level`; refuted where it is not although the power was `POWER` or more.
    power: Missing where it is not known, and then nothing is refuted.
    """

    __test__ = False  # pytest takes every class called Test for one of its own

    value: float
    n: int
    p: float
    level: float
    power: float | Missing


Sample: TypeAlias = Means | Shares | Times | Fit | Test
Statistic: TypeAlias = Callable[[Given], Sample | Missing]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One row: a claim, and all that decides it, fixed before the data are seen.

    id, part: the row of the pre-registration, and which of its quantities; with the version no two are alike. claim:
    ours in short, in both languages. measured: what the effect is. arms: the arms it needs; along: families of which it
    reads every arm. readings: all that its statistics read of a run. version, changed: 1 is the row as it was written;
    a later one says what was changed, and why. controls: the same statistic of arms in which the effect must not show;
    what they show too is no evidence. counts: seeds by what they do, where a share does not say it (before, within or
    after a window).
    """

    id: str
    claim: Text
    measured: Text
    arms: tuple[str, ...]
    readings: tuple[Reading, ...]
    statistic: Statistic
    supports: Region
    refutes: Region
    along: tuple[str, ...] = ()
    part: str = ""
    version: int = 1
    changed: Text | None = None
    controls: Mapping[str, Statistic] = field(default_factory=dict)
    counts: Callable[[Given], Mapping[str, int]] | None = None

    def __post_init__(self) -> None:
        if self.supports == NOWHERE == self.refutes:
            raise ValueError(f"{self.id}: nothing would support or refute it")
        if (self.version > 1) != (self.changed is not None):
            raise ValueError(f"{self.id}: a version after the first, and no other, says what was changed")

    @property
    def name(self) -> str:
        """Id, part and version in one."""
        part = f"/{self.part}" if self.part else ""
        return f"{self.id}{part}" + (f" v{self.version}" if self.version > 1 else "")

    @property
    def measures(self) -> tuple[str, ...]:
        """What its readings are made of, with the options."""
        return tuple(dict.fromkeys(measure for reading in self.readings for measure in reading.measures))

    @property
    def series(self) -> tuple[str, ...]:
        """Measures that must be there at every checkpoint."""
        of = (reading for reading in self.readings if isinstance(reading, Series))
        return tuple(dict.fromkeys(measure for reading in of for measure in reading.at_checkpoints))

    def looks_at(self, arm: Arm[Any]) -> bool:
        """Whether it reads the runs of an arm."""
        families = {arm.family, *(family for family, _ in arm.also)}
        return arm.name in (*self.arms, *self.controls) or bool(families & set(self.along))

    def answers(self, arms: Arms[Subject]) -> Given:
        """The arms with what it may read of their runs."""
        readings = frozenset(self.readings)
        return arms.having(lambda arm: [Answers(subject, readings) for subject in arm])


@dataclass(frozen=True, kw_only=True)
class Theory:
    """An explanation: where it is from, what it says in a sentence, its arms and its predictions."""

    id: str
    title: Text
    source: str
    predictions: tuple[Prediction, ...]
    arms: tuple[AnyFamily, ...] = ()

    def __post_init__(self) -> None:
        known = [prediction.name for prediction in self.predictions]
        twice = {name for name in known if known.count(name) > 1}
        if twice:
            raise ValueError(f"{self.id}: two predictions are called {sorted(twice)[0]!r}")

    @property
    def needed(self) -> tuple[str, ...]:
        """All arms that its predictions and their controls need, in order of appearance."""
        needed = (arm for row in self.predictions for arm in (*row.arms, *row.controls))
        return tuple(dict.fromkeys(arm for arm in needed if arm != UNTRAINED))

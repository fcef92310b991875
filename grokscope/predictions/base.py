"""A theory: predictions as data, each with its arms, its statistic, and the regions that support and refute it.

A statistic turns runs by arm into one sample: a number a seed, k of n, times with censoring, or a fit with its own
interval. `verdict` decides what the samples of its parts say of a claim.
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
UNTRAINED = "untrained"  # the arm that is step 0 of the base; it needs no run of its own


class Answers:
    """What a prediction may read of one run, the readings that it declares: `answers[READING]`."""

    def __init__(self, subject: Subject, readings: frozenset[Reading]) -> None:
        self.config = subject.config
        self._subject, self._readings = subject, readings

    def __getitem__(self, reading: Reading) -> Any:
        """The value, or `Missing`. ValueError for a reading that is not declared."""
        if reading not in self._readings:
            raise ValueError(f"a statistic asks for {reading.key}, which its prediction does not declare")
        return self._subject.value(reading)


# Arms with the answers of their runs. Runs are paired by their seed (`seeds`), not by their place.
Given: TypeAlias = Arms[Answers]


# The key of a seed: its number and, where an arm has several runs of it, the fields in which these differ (`seeds`).
Key: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Means:
    """One number a seed; the effect is their mean.

    bounds: between which the numbers lie by definition, as shares do; equal numbers without bounds have no interval.
    geometric: the effect is the geometric mean, its interval that of the mean logarithm: for times, ratios and norms,
    which are above 0.
    """

    values: Mapping[Key, Number]
    bounds: tuple[float, float] | None = None
    geometric: bool = False


@dataclass(frozen=True)
class Shares:
    """1 or 0 a seed; the effect is the share of ones."""

    values: Mapping[Key, Number]


@dataclass(frozen=True, kw_only=True)
class Times:
    """Times until an event in two arms, and whether it came; the effect is the hazard ratio of the treated over the
    others, above 1 where the treated are sooner."""

    treated: tuple[Float[np.ndarray, " run"], Bool[np.ndarray, " run"]]
    others: tuple[Float[np.ndarray, " run"], Bool[np.ndarray, " run"]]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """An effect of all runs together, such as a slope; n: seeds. intervals: by level."""

    value: float
    n: int
    intervals: Family


Sample: TypeAlias = Means | Shares | Times | Fit
Statistic: TypeAlias = Callable[[Given], Sample | Missing]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One row: a part of a claim, and all that decides it, fixed before the data are seen.

    id, part, version: the claim, which of its quantities this is, and which wording; together unique. A claim is judged
    by the newest wording of each part. until: the last version of the claim that has this part; None: it still has.
    claim: in short, in both languages. measured: what the effect is. arms: the arms it needs. along: families of which
    it reads every arm. readings: all that its statistics read of a run. changed: of a version above 1, what was changed
    and why. controls: the same statistic of arms that must stay behind: the effect less theirs, in the direction of the
    claim, is a part of the claim too. untested: why nothing that is run here can test it, and what would; such a claim
    is "not tested". ideal: the effect that an ideal network of this task has. clock: the same statistic of an ideal
    clock in the place of each network, shown beside. counts: seeds before, within and after a window, where a share
    does not say it.
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
    until: int | None = None
    changed: Text | None = None
    untested: Text | None = None
    ideal: float | None = None
    controls: Mapping[str, Statistic] = field(default_factory=dict)
    clock: Statistic | None = None
    counts: Callable[[Given], Mapping[str, int]] | None = None

    def __post_init__(self) -> None:
        if self.supports == NOWHERE:
            raise ValueError(f"{self.id}: nothing would support it")
        if (self.version > 1) != (self.changed is not None):
            raise ValueError(f"{self.id}: a version after the first, and no other, says what was changed")

    @property
    def name(self) -> str:
        """Id, part and version in one."""
        part = f"/{self.part}" if self.part else ""
        return f"{self.id}{part}" + (f" v{self.version}" if self.version > 1 else "")

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that its readings read, with their options."""
        return tuple(dict.fromkeys(measure for reading in self.readings for measure in reading.measures))

    @property
    def series(self) -> tuple[str, ...]:
        """Measures that must be there at every checkpoint."""
        of = (reading for reading in self.readings if isinstance(reading, Series))
        return tuple(dict.fromkeys(measure for reading in of for measure in reading.at_checkpoints))

    def looks_at(self, arm: Arm[Any]) -> bool:
        """Whether it reads the runs of an arm."""
        return arm.name in (*self.arms, *self.controls) or bool(arm.families & set(self.along))

    def answers(self, arms: Arms[Subject]) -> Given:
        """The arms with what it may read of their runs."""
        readings = frozenset(self.readings)
        return arms.having(lambda arm: [Answers(subject, readings) for subject in arm])


@dataclass(frozen=True, kw_only=True)
class Theory:
    """An explanation: its source, its title, its arms and its predictions."""

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

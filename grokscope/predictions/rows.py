"""Shorter ways to write a prediction: one number a seed of an arm and of its controls, or the times of two arms."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grokscope.errors import Missing, of_all
from grokscope.predictions.arms import BASE, RANDOM_LABELS
from grokscope.predictions.base import (
    UNTRAINED,
    Answers,
    Given,
    Key,
    Means,
    Prediction,
    Sample,
    Shares,
    Statistic,
    Text,
    Times,
)
from grokscope.predictions.readings import Number, Reading, Series
from grokscope.predictions.seeds import of_seeds
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import above, below

# Controls of an effect in a representation: labels without a rule, and weights that were never trained.
OF_REPRESENTATION = (RANDOM_LABELS, UNTRAINED)
# Of shares of seeds: the regions of the pre-registration.
MOST, HALF = above(0.8), below(0.5)
REGIONS = {"supports": MOST, "refutes": HALF}


def text(en: str, zh: str) -> Text:
    """A text in both languages."""
    return {"en": en, "zh": zh}


def per_seed(
    *readings: Reading,
    of: Callable[..., Number] = lambda value: value,
    share: bool = False,
    bounds: tuple[float, float] | None = None,
    geometric: bool = False,
    arm: str = BASE,
    controls: Sequence[str] = OF_REPRESENTATION,
    clock: Sequence[Reading] = (),
    **about: Any,
) -> Prediction:
    """A prediction of one number a seed of an arm, in which its controls stay behind.

    of: from the values of the readings, in their order, to the number; by default the value of the only one. A seed
    that lacks a value has no number. share: the number is 1 or 0, and its mean a share of seeds. bounds, geometric: as
    in `Means`. clock: readings of an ideal clock in the place of the first ones. about: the other fields of
    `Prediction`.
    """
    kind = Shares if share else functools.partial(Means, bounds=bounds, geometric=geometric)

    def statistic(name: str, read: Sequence[Reading] = readings) -> Statistic:
        return lambda arms: kind(of_seeds({name: arms[name]}, lambda runs: of_values(of, read, runs[0])))

    fields: dict[str, Any] = {"arms": (arm,)} | (REGIONS if share else {}) | about
    return Prediction(
        statistic=statistic(arm),
        controls={name: statistic(name) for name in controls},
        clock=statistic(arm, (*clock, *readings[len(clock) :])) if clock else None,
        readings=(*readings, *clock),
        **fields,
    )


def per_group(
    of: Callable[..., Number], reading: Reading, *, arms: Sequence[str], share: bool = False, **about: Any
) -> Prediction:
    """A prediction of one number of each seed, from its runs in several arms.

    of: from the values of the reading in these arms, in their order, to the number; a seed that lacks a value has none.
    """
    kind = Shares if share else Means

    def together(runs: Sequence[Answers]) -> Number:
        return of_all(of, *(run[reading] for run in runs))

    def statistic(given: Given) -> Sample:
        return kind(of_seeds({arm: given[arm] for arm in arms}, together))

    fields: dict[str, Any] = (REGIONS if share else {}) | about
    return Prediction(statistic=statistic, arms=tuple(arms), readings=(reading,), **fields)


def sooner(treated: str, others: str, **about: Any) -> Prediction:
    """A prediction of one arm's hazard of generalising over another's."""

    def statistic(arms: Given) -> Sample:
        return Times(treated=times(arms[treated]), others=times(arms[others]))

    return Prediction(statistic=statistic, arms=(treated, others), readings=TIMES, **about)


def along(
    family: str,
    of: Callable[[np.ndarray, Sequence[Answers]], Number],
    *,
    fewest: int,
    lacking: str,
    kind: Callable[[dict[Key, Number]], Means | Shares] = Means,
) -> Statistic:
    """One number of each seed, from the values of a family and the seed's runs at them.

    lacking: the reason where the family has runs at fewer values; {} is how many it has. kind: of sample, from the
    numbers by seed.
    """

    def statistic(arms: Given) -> Sample | Missing:
        members = arms.along(family)
        if len(members) < fewest:
            return Missing(lacking.format(len(members)))
        values = np.array(list(members))
        return kind(of_seeds(members, lambda runs: of(values, runs)))

    return statistic


def rank_correlation(one: np.ndarray, other: np.ndarray) -> Number:
    """Spearman's; Missing where one does not vary."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return Missing("one of the two does not vary")
    return float(spearmanr(one, other)[0])  # pyright: ignore[reportArgumentType]


def of_values(of: Callable[..., Number], readings: Sequence[Reading], run: Answers) -> Number:
    """A number made of the values of readings of a run; the first `Missing` of these where one lacks."""
    return of_all(of, *(run[reading] for reading in readings))


def times(arm: Sequence[Answers]) -> tuple[np.ndarray, np.ndarray]:
    """t_gen of each run in steps, or its last evaluated step; and whether t_gen was reached."""
    reached = np.array([bool(run[GENERALISED]) for run in arm])
    return np.array([run[T_GEN] for run in arm], dtype=np.float64), reached


def over(top: float, bottom: float) -> Number:
    """A ratio."""
    return top / bottom if bottom else Missing("divided by 0")


def last(measure: str, view: str = "") -> Series:
    """The last stored value of a series."""

    def of(subject: Subject) -> Number:
        rows = subject.rows(measure)
        values = rows.values[rows.views == view]
        return float(values[-1]) if len(values) else Missing(f"the run has stored nothing of {measure}")

    label = f"{measure}[{view}]" if view else measure
    return Series(f"last {label}", of, (label,))


def _first(subject: Subject) -> Number:
    rows = subject.rows("weights.norm")
    return float(rows.values[0]) if len(rows) else Missing("the run has stored nothing of weights.norm")


def _time_or_end(name: str, ends: int = 1) -> Callable[[Subject], float]:
    """A step of the phases; so many times the last step where it was not reached. Step 0 counts as reached."""

    def of(subject: Subject) -> float:
        reached = getattr(subject.phases, name)
        return float(ends * (subject.phases.last_at or 0) if reached is None else reached)

    return of


_TEST = ("behaviour.test_accuracy",)
_BOTH = ("behaviour.train_accuracy", "behaviour.test_accuracy")
# 1 if the run generalised by its end; 1 if it memorised first and generalised much later (`transitions.phases`).
GENERALISED = Series("generalised", lambda subject: float(subject.phases.generalized_at is not None), _TEST)
GROKKED = Series("grokked", lambda subject: float(subject.phases.grokked), _BOTH)
MEMORISED = Series("memorised", lambda subject: float(subject.phases.memorized_at is not None), _BOTH[:1])
# t_gen or t_mem in steps; the last step where it was not reached.
T_GEN = Series("t_gen or the end", _time_or_end("generalized_at"), _TEST)
T_MEM = Series("t_mem or the end", _time_or_end("memorized_at"), _BOTH[:1])
# t_gen, or twice the last step where it was not reached: for ranks, in which "never" comes last.
RANKED_T_GEN = Series("t_gen or twice the end", _time_or_end("generalized_at", ends=2), _TEST)
TIMES = (T_GEN, GENERALISED)
ALWAYS = (GENERALISED, GROKKED, MEMORISED, T_GEN, T_MEM, RANKED_T_GEN)  # every run has a number of each
FIRST_NORM = Series("first weights.norm", _first, ("weights.norm",))

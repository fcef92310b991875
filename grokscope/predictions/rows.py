"""Predictions in few lines: a number a seed of an arm and of its controls, or one arm's times beside another's."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grokscope.errors import Missing, of_all
from grokscope.predictions.arms import BASE, RANDOM_LABELS
from grokscope.predictions.base import (
    UNTRAINED,
    Answers,
    Given,
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

# Controls of what a representation shows: labels without a rule, and weights that were never trained.
OF_REPRESENTATION = (RANDOM_LABELS, UNTRAINED)
# Of shares of seeds: those of the pre-registration.
MOST, HALF = above(0.8), below(0.5)


def text(en: str, zh: str) -> Text:
    """The same in both languages."""
    return {"en": en, "zh": zh}


def per_seed(
    of: Callable[..., Number],
    *readings: Reading,
    share: bool = False,
    arm: str = BASE,
    controls: Sequence[str] = OF_REPRESENTATION,
    **about: Any,
) -> Prediction:
    """A prediction of one number a seed of an arm, which its controls must not show.

    of: makes the number of the values of the readings, in their order; a seed that lacks one has no number. share: the
    number is 1 or 0, and its mean a share of seeds. about: the rest of the fields of `Prediction`.
    """
    kind = Shares if share else Means

    def statistic(name: str) -> Statistic:
        return lambda arms: kind(tuple(of_values(of, readings, seed) for seed in arms[name]))

    needed = {"arms": (arm,), "supports": MOST, "refutes": HALF} if share else {"arms": (arm,)}
    fields: dict[str, Any] = needed | about
    return Prediction(
        statistic=statistic(arm), controls={name: statistic(name) for name in controls}, readings=readings, **fields
    )


def per_group(
    of: Callable[..., Number], reading: Reading, *, arms: Sequence[str], share: bool = False, **about: Any
) -> Prediction:
    """A prediction of one number of each seed's runs in several arms together.

    of: makes it of the values that the reading has in these arms, in their order; a seed that lacks one has none.
    """
    kind = Shares if share else Means

    def together(seed: Sequence[Answers]) -> Number:
        return of_all(of, *(one[reading] for one in seed))

    def statistic(given: Given) -> Sample:
        return kind(of_seeds({arm: given[arm] for arm in arms}, together))

    fields: dict[str, Any] = ({"supports": MOST, "refutes": HALF} if share else {}) | about
    return Prediction(statistic=statistic, arms=tuple(arms), readings=(reading,), **fields)


def sooner(treated: str, others: str, **about: Any) -> Prediction:
    """A prediction of the hazard of generalising of one arm over another's."""

    def statistic(arms: Given) -> Sample:
        return Times(treated=times(arms[treated]), others=times(arms[others]))

    return Prediction(statistic=statistic, arms=(treated, others), readings=TIMES, **about)


def of_values(of: Callable[..., Number], readings: Sequence[Reading], seed: Answers) -> Number:
    """A number made of the values of readings; the first `Missing` of these where one lacks."""
    return of_all(of, *(seed[reading] for reading in readings))


def same(value: Number) -> Number:
    """The value of a reading itself."""
    return value


def times(arm: Sequence[Answers]) -> tuple[np.ndarray, np.ndarray]:
    """t_gen of each run in steps, and whether it was reached; where it was not, the last evaluated step."""
    reached = np.array([bool(one[GENERALISED]) for one in arm])
    return np.array([one[T_GEN] for one in arm], dtype=np.float64), reached


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


def _time(reached: int | None, last: int | None) -> int:
    """Reached at step 0 is reached, as networks do that go on from trained weights."""
    return (last or 0) if reached is None else reached


def _time_or_end(subject: Subject) -> float:
    reached = subject.phases.generalized_at
    return float(2 * (subject.phases.last_at or 0) if reached is None else reached)


_TEST = ("behaviour.test_accuracy",)
_BOTH = ("behaviour.train_accuracy", "behaviour.test_accuracy")
# 1 if the run generalised by its end; if it memorised first and generalised much later (`transitions.phases`).
GENERALISED = Series("generalised", lambda subject: float(subject.phases.generalized_at is not None), _TEST)
GROKKED = Series("grokked", lambda subject: float(subject.phases.grokked), _BOTH)
# In steps: t_gen, t_mem, or the last step where it was not reached.
T_GEN = Series("t_gen or the end", lambda subject: _time(subject.phases.generalized_at, subject.phases.last_at), _TEST)
T_MEM = Series(
    "t_mem or the end", lambda subject: _time(subject.phases.memorized_at, subject.phases.last_at), _BOTH[:1]
)
# t_gen, or twice the last step where it was not reached: for ranks, in which "never" comes last.
RANKED_T_GEN = Series("t_gen or twice the end", _time_or_end, _TEST)
TIMES = (T_GEN, GENERALISED)
FIRST_NORM = Series("first weights.norm", _first, ("weights.norm",))

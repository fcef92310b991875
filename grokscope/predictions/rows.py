"""Predictions in few lines: a number a seed of an arm and of its controls, or one arm's times beside another's."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.arms import BASE, RANDOM_LABELS
from grokscope.predictions.base import UNTRAINED, Given, Means, Prediction, Sample, Shares, Statistic, Text, Times
from grokscope.predictions.seeds import answer, of_seeds
from grokscope.predictions.subject import Number, Subject
from grokscope.statistics.regions import above, below

OfSeed: TypeAlias = Callable[[Subject], Number]
# Controls of what a representation shows: labels without a rule, and weights that were never trained.
OF_REPRESENTATION = (RANDOM_LABELS, UNTRAINED)
# Of shares of seeds: those of the pre-registration.
MOST, HALF = above(0.8), below(0.5)


def text(en: str, zh: str) -> Text:
    """The same in both languages."""
    return {"en": en, "zh": zh}


def per_seed(
    of: OfSeed, *, share: bool = False, arm: str = BASE, controls: Sequence[str] = OF_REPRESENTATION, **about: Any
) -> Prediction:
    """A prediction of one number a seed of an arm, which its controls must not show.

    share: the number is 1 or 0, and its mean a share of seeds. about: the rest of the fields of `Prediction`.
    """
    kind = Shares if share else Means

    def statistic(name: str) -> Statistic:
        return lambda arms: kind(tuple(answer(of, seed) for seed in arms[name]))

    needed = {"arms": (arm,), "supports": MOST, "refutes": HALF} if share else {"arms": (arm,)}
    fields: dict[str, Any] = needed | about
    return Prediction(statistic=statistic(arm), controls={name: statistic(name) for name in controls}, **fields)


def per_group(
    of: Callable[[Sequence[Subject]], Number], *, arms: Sequence[str], share: bool = False, **about: Any
) -> Prediction:
    """A prediction of one number of each seed's runs in several arms together (a slope over arms)."""
    kind = Shares if share else Means

    def statistic(given: Given) -> Sample:
        return kind(of_seeds({arm: given[arm] for arm in arms}, of))

    fields: dict[str, Any] = ({"supports": MOST, "refutes": HALF} if share else {}) | about
    return Prediction(statistic=statistic, arms=tuple(arms), **fields)


def sooner(treated: str, others: str, **about: Any) -> Prediction:
    """A prediction of the hazard of generalising of one arm over another's."""

    def statistic(arms: Given) -> Sample:
        return Times(treated=times(arms[treated]), others=times(arms[others]))

    return Prediction(statistic=statistic, arms=(treated, others), **about)


def times(subjects: Sequence[Subject]) -> tuple[np.ndarray, np.ndarray]:
    """t_gen of each run in steps, and whether it was reached; where it was not, the last evaluated step."""
    reached = np.array([subject.phases.generalized_at is not None for subject in subjects])
    found = [_time(subject.phases.generalized_at, subject.phases.last_at) for subject in subjects]
    return np.array(found, dtype=np.float64), reached


def _time(reached: int | None, last: int | None) -> int:
    """Reached at step 0 is reached, as networks do that go on from trained weights."""
    return (last or 0) if reached is None else reached


def memorised_or_end(subject: Subject) -> int:
    """t_mem, or the last step where it was not reached."""
    return _time(subject.phases.memorized_at, subject.phases.last_at)


def time_or_end(subject: Subject) -> float:
    """t_gen, or twice the last step where it was not reached: for ranks, in which "never" comes last."""
    reached = subject.phases.generalized_at
    return float(2 * (subject.phases.last_at or 0) if reached is None else reached)


def generalised(subject: Subject) -> Number:
    """1 if the run generalised by its end."""
    return float(subject.phases.generalized_at is not None)


def grokked(subject: Subject) -> Number:
    """1 if the run memorised first and generalised much later (`transitions.phases`)."""
    return float(subject.phases.grokked)


def last(subject: Subject, measure: str, view: str = "") -> Number:
    """The last stored value of a series."""
    rows = subject.rows(measure)
    values = rows.values[rows.views == view]
    return float(values[-1]) if len(values) else Missing(f"the run has stored nothing of {measure}")


def over(top: Number, bottom: Number) -> Number:
    """A ratio of two answers."""
    for one in (top, bottom):
        if isinstance(one, Missing):
            return one
    assert not isinstance(top, Missing)
    assert not isinstance(bottom, Missing)
    return top / bottom if bottom else Missing("divided by 0")

"""Last values of runs as a table; and the additions that a toy's training set is made of."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.analyses.additions import Addition, addition
from grokscope.numerics.parallelograms import nullity
from grokscope.predictions.subject import Subject


def last_values(subjects: Sequence[Subject], measure: str) -> np.ndarray:
    """The last value of a series of each run, NaN where a run has none."""
    series = [one.rows(measure).values for one in subjects]
    return np.array([values[-1] if len(values) else np.nan for values in series])


def additions(subject: Subject) -> Addition | Missing:
    """The training samples of a run that adds, as parallelograms are made of."""
    return addition(subject.snapshot(subject.stages["after"]))


def unique(subject: Subject) -> bool:
    """Whether the training set of a run leaves one linear representation, up to shift and scale."""
    found = additions(subject)
    return not isinstance(found, Missing) and nullity(found.samples, found.trained) == 2

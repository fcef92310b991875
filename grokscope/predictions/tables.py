"""Arms that differ in one number, as tables; and the additions that a toy's training set is made of."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.analyses.additions import Addition, addition
from grokscope.numerics.parallelograms import nullity
from grokscope.predictions.arms import BASE, changes
from grokscope.predictions.base import Arms
from grokscope.predictions.subject import Subject


def by_value(arms: Arms, field: str, prefix: str = "") -> dict[float, Sequence[Subject]]:
    """The value of a field -> the arm that differs in nothing else, the base among them; arms are named field=value."""
    start = f"{prefix}{field}="
    found = {
        float(name.removeprefix(start)): arm for name, arm in arms.items() if name.startswith(start) and "," not in name
    }
    base, other = arms.get(f"{prefix}{BASE}", ()), next(iter(found.values()), ())
    # A base of another network, as a study at laptop scale has, is none of theirs.
    if base and other and set(changes(base[0].run.config, other[0].run.config)) <= {field}:
        found.setdefault(float(base[0].run.config.model_dump()[field]), base)
    return dict(sorted((value, arm) for value, arm in found.items() if arm))


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

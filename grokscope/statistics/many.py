"""When very many runs memorised and generalised, at once: 100,000 take a second, one by one half a minute."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from grokscope.statistics.held import ROUNDING, held_level
from grokscope.statistics.series import LARGEST_ACCURACY, Curve

Stages: TypeAlias = tuple[int | None, int | None, int | None]  # t_mem, t_gen, last step
LEVELS = ("train_threshold", "test_threshold", "stable")  # the thresholds that count where there are accuracies
_ACCURACIES = ("train_accuracy", "test_accuracy")


def stages_of_many(
    runs: Sequence[Mapping[str, Curve]],
    *,
    train_threshold: float = 0.99,
    test_threshold: float = 0.95,
    stable: int = 3,
) -> list[Stages | None]:
    """memorized_at, generalized_at and last_at of `transitions.phases`, whose options these are.

    None for a run that must be asked alone. runs: curves by name. Told are those of runs with both accuracies, all of
    whose curves have a value at the same steps.
    """
    answers: list[Stages | None] = [None] * len(runs)
    groups: dict[bytes, list[int]] = {}
    with np.errstate(over="ignore"):
        for place, curves in enumerate(runs):
            if (key := _steps(curves)) is not None:
                groups.setdefault(key, []).append(place)
    for places in groups.values():
        steps = runs[places[0]]["train_accuracy"][0]
        if not (steps.size >= stable and (np.diff(steps) > 0).all()):
            continue
        reached, whole = [], np.ones(len(places), bool)
        for name, threshold in zip(_ACCURACIES, (train_threshold, test_threshold), strict=True):
            values = np.stack([runs[place][name][1] for place in places])
            whole &= ((values >= 1 - LARGEST_ACCURACY) & (values <= LARGEST_ACCURACY)).all(axis=1)
            held = held_level(values, stable) >= threshold - ROUNDING
            reached.append(np.where(held.any(axis=1), steps[held.argmax(axis=1)], -1).tolist())
        for place, t_mem, t_gen, told in zip(places, *reached, whole.tolist(), strict=True):
            if told:
                answers[place] = (None if t_mem < 0 else t_mem, None if t_gen < 0 else t_gen, int(steps[-1]))
    return answers


def _steps(curves: Mapping[str, Curve]) -> bytes | None:
    """The common steps of all curves with a value; None where they differ, or an accuracy or a value is missing."""
    if not all(len(curves.get(name, ((),))[0]) for name in _ACCURACIES):
        return None
    first = curves["train_accuracy"][0].tobytes()
    for steps, values in curves.values():
        # NaN, and a loss of minus infinity, are no evaluation: their sum is not finite. An infinite loss is rare.
        if len(steps) and not (steps.tobytes() == first and math.isfinite(np.add.reduce(values))):
            return None
    return first

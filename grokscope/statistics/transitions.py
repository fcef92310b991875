"""When a run memorised, began to generalise, generalised, and lost it again, from its curves.

Every answer uses one idea: the level that a curve holds for some evaluations in a row (`held`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from grokscope.errors import require_finite
from grokscope.statistics.held import ROUNDING, first, held_level, onset
from grokscope.statistics.notes import LOSS_THRESHOLD, Note, Stage, notes
from grokscope.statistics.series import NOT_EVALUATED, Curve, Steps, Values, as_series, as_shares, as_steps

# Shares of right answers whose first steps are t_10, t_50 and t_90.
SHARES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, kw_only=True)
class Phases:
    """The stages of one run, in steps; None where a stage was not reached or its curve was not given.

    `last_at` is the last step at which any given curve has a value: a run without `generalized_at` is censored there.
    `lost_at` is where a run that had generalised falls back for good; None where it ends generalised. `grokked` is
    about the time before that.
    """

    memorized_at: int | None
    onset_at: int | None
    generalized_at: int | None
    delay: int | None
    grokked: bool
    t_10: int | None
    t_50: int | None
    t_90: int | None
    last_at: int | None
    lost_at: int | None = None
    notes: tuple[Note, ...] = field(default=(), compare=False)

    @property
    def memorized(self) -> tuple[int, int] | None:
        """The memorised window [t_mem, t_on]."""
        return _window(self.memorized_at, self.onset_at)

    @property
    def transition(self) -> tuple[int, int] | None:
        """The transition window [t_10, t_90]."""
        return _window(self.t_10, self.t_90)

    @property
    def after(self) -> tuple[int, int] | None:
        """The window after generalisation [t_gen, last step], up to where it is lost again."""
        return _window(self.generalized_at, self.last_at if self.lost_at is None else self.lost_at)

    @property
    def lost(self) -> tuple[int, int] | None:
        """The window [t_lost, last step] of a run that falls back."""
        return _window(self.lost_at, self.last_at)

    def as_dict(self) -> dict[str, int | bool | None]:
        """The stages as JSON's own types."""
        stages = asdict(self)
        del stages["notes"]
        return stages


def _window(start: int | None, end: int | None) -> tuple[int, int] | None:
    return None if start is None or end is None else (start, end)


def phases(
    steps: ArrayLike,
    *,
    train_accuracy: ArrayLike | None = None,
    test_accuracy: ArrayLike | None = None,
    train_loss: ArrayLike | None = None,
    test_loss: ArrayLike | None = None,
    train_threshold: float = 0.99,
    test_threshold: float = 0.95,
    loss_threshold: float | None = None,
    loss_share: float = 0.02,
    stable: int = 3,
    ratio: float = 3.0,
    gap: float = 500,
) -> Phases:
    """Find memorisation, onset and generalisation in anybody's curves.

    t_mem: the first evaluated step from which train accuracy stays >= train_threshold for `stable` evaluations.
    t_gen: the same for test accuracy and test_threshold. Without an accuracy: the step from which the loss of that
    split stays <= loss_threshold, by default 0.1 nat. A loss that begins below 0.1 for `stable` evaluations is not in
    nats (a mean squared error), or was learned before. Its level is loss_share of where it begins, and a note says so.
    t_10, t_50, t_90: as t_gen for test accuracy and 0.1, 0.5, 0.9. So a lucky evaluation is no crossing, a later dip
    undoes none, and t_10 <= t_50 <= t_90 <= t_gen at the default threshold.
    t_on: the evaluated step of the maximal test loss in [t_mem, t_gen], without spikes (of fewer than 2 * stable - 1
    evaluations; beside the peak itself, high ones of fewer than `stable`); None unless t_mem < t_gen.
    grokked: t_gen >= ratio * t_mem and t_gen - t_mem >= gap. delay: t_gen - t_mem, also where it is 0 or negative.
    lost_at: after the last evaluation at which t_gen's level is held, the first of `stable` evaluations beyond it.
    notes: what else a reader must know of the curves (`Note`).

    Shapes and units: every series is one-dimensional (evaluation,), a sequence, an array, a tensor or a column of a
    table; steps are whole and strictly increasing; accuracies are shares of 1; losses are nats.
    NaN (None, an empty cell, an infinite accuracy) is no evaluation of that curve; an infinite loss is one, and very
    bad.

    Sources: thresholds, ratio, gap and stable: the project's predictions, "Words". 0.1 nat: the level at which the
    curves stored by Nanda et al. 2023, arXiv:2301.05217, are dated (train 151, test 7930 at 30 % of the pairs).
    loss_share: the same as a share of ln 113, where they begin. Onset as the argmax of test loss: the same curves
    (1420), where the paper draws the end of memorisation by eye at 1400.
    Departure: the paper's boundaries are by eye, and a bare argmax may be that of a spike.

    Raises ValueError for no curve, unequal lengths, other than one dimension, values that are not numbers, steps that
    are not whole and increasing, accuracies that are no shares, and thresholds out of range.
    """
    _require(stable, ratio=ratio, gap=gap)
    _require_shares(train_threshold=train_threshold, test_threshold=test_threshold, loss_share=loss_share)
    require_finite(loss_threshold=loss_threshold)
    curves = _curves(
        as_steps(steps),
        train_accuracy=train_accuracy,
        test_accuracy=test_accuracy,
        train_loss=train_loss,
        test_loss=test_loss,
    )
    stages: dict[str, Stage] = {}
    for split, threshold in (("train", train_threshold), ("test", test_threshold)):
        if (name := f"{split}_accuracy") in curves:
            stages[split] = _stage(name, curves[name], threshold, stable)
        elif (name := f"{split}_loss") in curves:
            level = loss_level(curves[name][1][:stable], loss_threshold, loss_share)
            stages[split] = _stage(name, curves[name], level, stable)
    accuracy, loss = curves.get("test_accuracy"), curves.get("test_loss")
    return assembled(
        stages,
        onset_in=lambda t_mem, t_gen: None if loss is None else onset(loss, t_mem, t_gen, stable),
        crossed=[None if accuracy is None else first(accuracy, stable, share) for share in SHARES],
        last_at=max((int(at[-1]) for at, _ in curves.values() if at.size), default=None),
        rules={"ratio": ratio, "gap": gap, "stable": stable, "loss_threshold": loss_threshold},
    )


def assembled(
    stages: Mapping[str, Stage],
    *,
    onset_in: Callable[[int, int], int | None],
    crossed: Sequence[int | None],
    last_at: int | None,
    rules: Mapping[str, Any],
) -> Phases:
    """The phases, from the stage of each split.

    onset_in: t_on from t_mem and t_gen. crossed: first steps of SHARES. rules: arguments of `phases`.
    """
    t_mem, t_gen = (stages[split].reached if split in stages else None for split in ("train", "test"))
    delay, t_on, grokked = None, None, False
    if t_mem is not None and t_gen is not None:
        delay, t_on = t_gen - t_mem, onset_in(t_mem, t_gen)
        grokked = bool(t_gen >= rules["ratio"] * t_mem and delay >= rules["gap"])
    lost = stages["test"].lost if "test" in stages else None
    t_10, t_50, t_90 = crossed
    return Phases(
        memorized_at=t_mem,
        onset_at=t_on,
        generalized_at=t_gen,
        delay=delay,
        grokked=grokked,
        t_10=t_10,
        t_50=t_50,
        t_90=t_90,
        last_at=last_at,
        lost_at=lost[0] if lost else None,
        notes=tuple(notes(stages, rules["loss_threshold"], rules["stable"])),
    )


def loss_level(start: Sequence[float] | Values, threshold: float | None, share: float) -> float:
    """The level at which a loss is dated, from its first values; threshold, share: as in `phases`."""
    if threshold is not None:
        return threshold
    largest = max(map(float, start), default=-math.inf)
    return share * max(largest, 0.0) if largest < LOSS_THRESHOLD - ROUNDING else LOSS_THRESHOLD


def _stage(name: str, curve: Curve, level: float, stable: int) -> Stage:
    """A loss is turned upside down, so that every curve holds its level from above."""
    steps, values = curve
    sign = -1 if name.endswith("loss") else 1
    heights, height = sign * values, sign * level
    reached, lost = first((steps, heights), stable, height), None
    if reached is not None:
        there = np.flatnonzero(held_level(heights, stable) >= height - ROUNDING)
        after = int(there[-1]) + 1
        fell = (heights[after:] < height - ROUNDING).astype(float)
        if (step := first((steps[after:], fell), stable, 1.0)) is not None:
            lost = step, float(values[np.searchsorted(steps, step)])
    begins = int(steps[0]) if steps.size else None
    return Stage(curve=name, level=level, begins=begins, start=values[:stable].tolist(), reached=reached, lost=lost)


def _require(stable: int, **numbers: float) -> None:
    if not isinstance(stable, Integral) or stable < 1:
        raise ValueError(f"stable = {stable}: expected at least 1 evaluation")
    for name, value in numbers.items():
        if math.isnan(value):
            raise ValueError(f"{name} is NaN: expected a number")


def _require_shares(**shares: float) -> None:
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} = {value}: expected a share of 1")


def first_held(steps: ArrayLike, values: ArrayLike, level: float, *, stable: int = 3) -> int | None:
    """First step from which a curve stays at a level or above for `stable` evaluations, this one included.

    NaN is no evaluation. Raises ValueError as `phases`.
    """
    at, series = as_steps(steps), as_series("values", values)
    _require(stable, level=level)
    if at.size != series.size:
        raise ValueError(f"expected one value a step, got {series.size} values and {at.size} steps")
    known = ~np.isnan(series)
    return first((at[known], series[known]), stable, level)


def _curves(steps: Steps, **series: ArrayLike | None) -> dict[str, Curve]:
    """Each given curve at the steps where it has a value."""
    curves = {}
    for name, given in series.items():
        if given is None:
            continue
        values = as_shares(name, given) if name.endswith("accuracy") else as_series(name, given)
        if values.size != steps.size:
            raise ValueError(
                f"{name} has {values.size} values for {steps.size} steps: expected one value a step; {NOT_EVALUATED}"
            )
        # No loss is minus infinity: such an evaluation went wrong, like NaN.
        known = np.isfinite(values) if name.endswith("accuracy") else values > -np.inf
        curves[name] = (steps[known], values[known])
    if not curves:
        raise ValueError("no curve came: expected train_accuracy, test_accuracy, train_loss or test_loss")
    return curves

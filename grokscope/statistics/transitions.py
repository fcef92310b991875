"""When a run memorised, began to generalise, and generalised: read off its curves.

One idea carries every answer. The *held level* of a curve at an evaluation is the highest level that it keeps for
`stable` evaluations in a row, this one among them (a grey-scale opening: Serra 1982, "Image Analysis and Mathematical
Morphology"). A blow-up shorter than `stable` evaluations (a slingshot: Thilak et al. 2022, arXiv:2206.04817) does not
raise it, and it counts evaluations, not steps, so that unequal spacing does not matter.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from grokscope.errors import require_finite

Steps: TypeAlias = Int[np.ndarray, "evaluation"]
Values: TypeAlias = Float[np.ndarray, "evaluation"]
Curve: TypeAlias = tuple[Steps, Values]

# A share may overshoot 1 by rounding or smoothing, never twofold: what lies beyond is a percentage.
LARGEST_ACCURACY = 2.0
# Stands for an infinite loss: sums and differences of a few stay finite in float64 (up to 1.8e308).
LARGEST_LOSS = 1e300
# 0.95 stored as float32 lies 1.2e-8 below 0.95, and is reached all the same; float32 rounds shares by up to 6e-8.
ROUNDING = 1e-7


@dataclass(frozen=True, kw_only=True)
class Phases:
    """The stages of one run, in steps; None where a stage was not reached or its curve was not given.

    `last_at` is the last step at which any given curve has a value: a run without `generalized_at` is censored there.
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
        """The window after generalisation [t_gen, last step]."""
        return _window(self.generalized_at, self.last_at)

    def as_dict(self) -> dict[str, int | bool | None]:
        """The fields as JSON's own types."""
        return asdict(self)


def phases(
    steps: ArrayLike,
    *,
    train_accuracy: ArrayLike | None = None,
    test_accuracy: ArrayLike | None = None,
    train_loss: ArrayLike | None = None,
    test_loss: ArrayLike | None = None,
    train_threshold: float = 0.99,
    test_threshold: float = 0.95,
    loss_threshold: float = 0.1,
    stable: int = 3,
    ratio: float = 3.0,
    gap: float = 500,
) -> Phases:
    """Find memorisation, onset and generalisation in anybody's curves.

    t_mem: the first evaluated step from which train accuracy stays >= train_threshold for `stable` evaluations;
    t_gen: the same for test accuracy and test_threshold. Without that accuracy: from which that loss stays
    <= loss_threshold. t_10, t_50, t_90: the same for test accuracy and 0.1, 0.5, 0.9, so that a lucky evaluation is no
    crossing, a later dip undoes none, and t_10 <= t_50 <= t_90 <= t_gen at the default threshold.
    t_on: the evaluated step of the maximal test loss in [t_mem, t_gen], spikes left out (of fewer than 2 * stable - 1
    evaluations; beside the peak itself, high ones of fewer than `stable`); None unless t_mem < t_gen.
    grokked: t_gen >= ratio * t_mem and t_gen - t_mem >= gap. delay: t_gen - t_mem, as it is, also 0 or negative.

    Shapes and units: every series is one-dimensional (evaluation,), a sequence, an array or a torch tensor; steps are
    whole and strictly increasing; accuracies are shares of 1; losses are nats.
    NaN (and an infinite accuracy) is no evaluation of that curve; an infinite loss is one, and very bad.

    Sources: thresholds, ratio, gap and stable: the project's predictions, "Words". 0.1 nat: the level at which the
    curves stored by Nanda et al. 2023, arXiv:2301.05217, are dated (train 151, test 7930 at 30 % of the pairs). Onset
    as the argmax of test loss: the same curves (1420), where the paper draws the end of memorisation by eye at 1400.
    Departure: the paper's boundaries are by eye, and a bare argmax is any spike's.

    Raises ValueError for no curve, unequal lengths, other than one dimension, steps that are not whole and increasing,
    accuracies in per cent, stable < 1, thresholds that are not finite.
    """
    if stable < 1:
        raise ValueError(f"stable = {stable}: expected at least 1 evaluation")
    require_finite(train_threshold=train_threshold, test_threshold=test_threshold, loss_threshold=loss_threshold)
    require_finite(ratio=ratio, gap=gap)
    curves = _curves(
        as_steps(steps),
        train_accuracy=train_accuracy,
        test_accuracy=test_accuracy,
        train_loss=train_loss,
        test_loss=test_loss,
    )

    def reached(split: str, threshold: float) -> int | None:
        if (accuracy := curves.get(f"{split}_accuracy")) is not None:
            return _first(accuracy, stable, threshold)
        if (loss := curves.get(f"{split}_loss")) is not None:
            return _first((loss[0], -loss[1]), stable, -loss_threshold)
        return None

    def crossed(share: float) -> int | None:
        return reached("test", share) if "test_accuracy" in curves else None

    t_mem, t_gen, t_on, delay = reached("train", train_threshold), reached("test", test_threshold), None, None
    grokked = False
    if t_mem is not None and t_gen is not None:
        delay = t_gen - t_mem
        grokked = bool(t_gen >= ratio * t_mem and delay >= gap)
        t_on = _onset(curves["test_loss"], t_mem, t_gen, stable) if "test_loss" in curves else None
    return Phases(
        memorized_at=t_mem,
        onset_at=t_on,
        generalized_at=t_gen,
        delay=delay,
        grokked=grokked,
        t_10=crossed(0.1),
        t_50=crossed(0.5),
        t_90=crossed(0.9),
        last_at=max((int(at[-1]) for at, _ in curves.values() if at.size), default=None),
    )


def align(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> tuple[list[int], dict[str, list[float]]]:
    """Curves (steps, values) evaluated at different steps, on all of their steps; NaN where one has no value."""
    tables = {name: dict(zip(at.tolist(), values.tolist(), strict=True)) for name, (at, values) in curves.items()}
    steps = sorted(set().union(*tables.values()))
    return steps, {name: [table.get(step, np.nan) for step in steps] for name, table in tables.items()}


def first_held(steps: ArrayLike, values: ArrayLike, level: float, *, stable: int = 3) -> int | None:
    """First step from which a curve stays at a level or above for `stable` evaluations, this one among them.

    Values that are NaN are no evaluations. Raises ValueError as `phases`.
    """
    require_finite(level=level)
    at, series = as_steps(steps), as_series("values", values)
    if stable < 1 or at.size != series.size:
        raise ValueError(f"expected one value a step and stable >= 1, got {series.size}, {at.size} and {stable}")
    known = ~np.isnan(series)
    return _first((at[known], series[known]), stable, level)


def _held(values: Values, stable: int) -> Values:
    """Per evaluation: the largest of the minima of the windows of `stable` evaluations that contain it."""
    lows = sliding_window_view(values, stable).min(axis=1)
    padded = np.pad(lows, stable - 1, constant_values=-np.inf)
    return sliding_window_view(padded, stable).max(axis=1)


def _first(curve: Curve, stable: int, level: float) -> int | None:
    """First step at which the level is held: there the first of the windows that stay at it begins."""
    steps, values = curve
    if values.size < stable:
        return None
    found = np.flatnonzero(_held(values, stable) >= level - ROUNDING)
    return int(steps[found[0]]) if found.size else None


def _onset(curve: Curve, t_mem: int, t_gen: int, stable: int) -> int | None:
    """Step of the maximal test loss in [t_mem, t_gen] that is no spike.

    Not the argmax of a running median: that moves the answer off the peak of a clean curve. The highest level held for
    some width says where to look for the highest held for a narrower one, down to a single evaluation. On a curve that
    rises and then falls, however spaced, the k largest values are neighbours and the largest is among them, for every
    k: there the search ends at the argmax exactly. A spike away from the peak is lost at the widest level.
    """
    steps, loss = curve[0], np.minimum(curve[1], LARGEST_LOSS)
    inside = (steps >= t_mem) & (steps <= t_gen)
    if t_gen <= t_mem or not inside.any():
        return None
    # What is left is a spike within reach of the peak itself. A maximum of which fewer than `stable` evaluations lie
    # above half height cannot be told from one, and is left out: it stands above its held level by more than the held
    # levels span. Up to 2 * stable evaluations are too few to know that span: there the maximum is taken as it is. The
    # whole curve, its ends repeated, is the surrounding: a loss that only falls from t_mem on is no spike at t_mem.
    if inside.sum() > 2 * stable:
        held = _held(np.pad(loss, stable - 1, mode="edge"), stable)[stable - 1 :][: loss.size]
        inside &= loss <= held + np.ptp(held[inside])
    steps, loss = steps[inside], loss[inside]
    stretch = np.arange(loss.size)
    # From wider than `stable`: a blow-up with its way back can outlast it, and a clean curve loses nothing by it.
    for width in range(min(2 * stable - 1, loss.size), 0, -1):
        held = _held(loss, width)[stretch]
        stretch = stretch[held == held.max()]
    return int(steps[stretch[0]])


def _window(start: int | None, end: int | None) -> tuple[int, int] | None:
    return None if start is None or end is None else (start, end)


def as_series(name: str, series: ArrayLike) -> Values:
    """Anybody's series in float64; ValueError unless it has one dimension."""
    # Through a list, because numpy knows neither a tensor that requires grad nor bfloat16.
    plain = series.detach().cpu().tolist() if hasattr(series, "detach") else series  # pyright: ignore[reportAttributeAccessIssue]
    values = np.asarray(plain, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"{name} has shape {values.shape}: expected one dimension, one value an evaluation")
    return values


def as_steps(series: ArrayLike) -> Steps:
    """Anybody's steps; ValueError unless they are whole and strictly increasing."""
    values = as_series("steps", series)
    whole = np.rint(values)
    # linspace misses whole numbers by rounding: one part in 1e9 is far below any two steps' distance.
    odd = ~(np.isfinite(values) & np.isclose(values, whole, rtol=1e-9, atol=1e-9))
    if odd.any():
        raise ValueError(f"steps contain {values[odd][0]}: expected whole numbers of steps; round them first")
    falls = np.flatnonzero(np.diff(whole) <= 0)
    if falls.size:
        before, after = whole[falls[0] : falls[0] + 2].astype(int)
        raise ValueError(f"steps go from {before} to {after}: expected strictly increasing; sort them, drop repeats")
    return whole.astype(np.int64)


def _curves(steps: Steps, **series: ArrayLike | None) -> dict[str, Curve]:
    """Each given curve at the steps where it has a value."""
    given = {name: as_series(name, values) for name, values in series.items() if values is not None}
    if not given:
        raise ValueError("no curve came: expected train_accuracy, test_accuracy, train_loss or test_loss")
    curves = {}
    for name, values in given.items():
        if values.size != steps.size:
            raise ValueError(f"{name} has {values.size} values for {steps.size} steps: expected one value a step")
        # Not even a loss is minus infinity: that evaluation went wrong like one that is NaN.
        known = np.isfinite(values) if name.endswith("accuracy") else values > -np.inf
        if name.endswith("accuracy") and (values[known] > LARGEST_ACCURACY).any():
            raise ValueError(f"{name} reaches {values[known].max():g}: expected shares of 1; divide per cent by 100")
        curves[name] = (steps[known], values[known])
    return curves

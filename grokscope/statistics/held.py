"""The held level of a curve, by which its stages are dated; and the place of the largest loss, spikes left out.

The *held level* of a curve at an evaluation is the highest level that it keeps for `stable` evaluations in a row, this
one included (a grey-scale opening: Serra 1982, "Image Analysis and Mathematical Morphology"). A blow-up shorter than
`stable` evaluations (a slingshot: Thilak et al. 2022, arXiv:2206.04817) does not raise it. It counts evaluations, not
steps, so that unequal spacing does not matter.
"""

import numpy as np

from grokscope.statistics.series import Curve

# Stands for an infinite loss: sums and differences of a few stay finite in float64 (up to 1.8e308).
LARGEST_LOSS = 1e300
# 0.95 stored as float32 lies 1.2e-8 below 0.95, and is reached all the same; float32 rounds shares by up to 6e-8.
ROUNDING = 1e-7


def held_level(values: np.ndarray, stable: int) -> np.ndarray:
    """Per evaluation (last axis): the largest of the minima of the windows of `stable` evaluations that hold it."""
    n_windows = values.shape[-1] - stable + 1
    if n_windows < 1:
        raise ValueError(f"{values.shape[-1]} evaluations have no window of {stable}")
    lows = values[..., :n_windows].copy()
    for shift in range(1, stable):
        np.minimum(lows, values[..., shift : shift + n_windows], out=lows)
    held = np.full(values.shape, -np.inf)
    for shift in range(stable):
        part = held[..., shift : shift + n_windows]
        np.maximum(part, lows, out=part)
    return held


def first(curve: Curve, stable: int, level: float) -> int | None:
    """First step at which the level is held; the first window that stays at it begins there."""
    steps, values = curve
    if values.size < stable:
        return None
    places = np.flatnonzero(held_level(values, stable) >= level - ROUNDING)
    return int(steps[places[0]]) if places.size else None


def onset(curve: Curve, t_mem: int, t_gen: int, stable: int) -> int | None:
    """Step of the maximal test loss in [t_mem, t_gen], spikes left out.

    The argmax of a running median would not do: it moves the answer off the peak of a clean curve. Instead the search
    narrows. The highest level held for some width says where to look for the highest level held for a narrower one,
    down to a single evaluation. On a curve that rises and then falls, however spaced, the k largest values are
    neighbours for every k, and the largest is among them: so the search ends exactly at the argmax. A spike away from
    the peak drops out at the widest level.
    """
    steps, loss = curve[0], np.minimum(curve[1], LARGEST_LOSS)
    inside = (steps >= t_mem) & (steps <= t_gen)
    if t_gen <= t_mem or not inside.any():
        return None
    # A spike within reach of the peak itself must go first. A maximum with fewer than `stable` evaluations above half
    # height cannot be told from a spike: it stands above its held level by more than the held levels span, and is left
    # out. Up to 2 * stable evaluations are too few to know that span: there the maximum is taken as it is. Held levels
    # are those of the whole curve, its ends repeated: a loss that only falls from t_mem on has no spike at t_mem.
    if inside.sum() > 2 * stable:
        held = held_level(np.pad(loss, stable - 1, mode="edge"), stable)[stable - 1 :][: loss.size]
        inside &= loss <= held + np.ptp(held[inside])
    steps, loss = steps[inside], loss[inside]
    stretch = np.arange(loss.size)
    # Wider than `stable` at first: a blow-up and its way back can last longer, and a clean curve loses nothing.
    for width in range(min(2 * stable - 1, loss.size), 0, -1):
        held = held_level(loss, width)[stretch]
        stretch = stretch[held == held.max()]
    return int(steps[stretch[0]])

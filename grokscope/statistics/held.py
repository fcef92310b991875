"""The held level of a curve, on which its stages rest; and where a loss is largest that is no spike.

The *held level* of a curve at an evaluation is the highest level that it keeps for `stable` evaluations in a row, this
one among them (a grey-scale opening: Serra 1982, "Image Analysis and Mathematical Morphology"). A blow-up shorter than
`stable` evaluations (a slingshot: Thilak et al. 2022, arXiv:2206.04817) does not raise it, and it counts evaluations,
not steps, so that unequal spacing does not matter.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from grokscope.statistics.series import Curve, Values

# Stands for an infinite loss: sums and differences of a few stay finite in float64 (up to 1.8e308).
LARGEST_LOSS = 1e300
# 0.95 stored as float32 lies 1.2e-8 below 0.95, and is reached all the same; float32 rounds shares by up to 6e-8.
ROUNDING = 1e-7


def held_level(values: Values, stable: int) -> Values:
    """Per evaluation: the largest of the minima of the windows of `stable` evaluations that contain it."""
    lows = sliding_window_view(values, stable).min(axis=1)
    padded = np.pad(lows, stable - 1, constant_values=-np.inf)
    return sliding_window_view(padded, stable).max(axis=1)


def first(curve: Curve, stable: int, level: float) -> int | None:
    """First step at which the level is held: there the first of the windows that stay at it begins."""
    steps, values = curve
    if values.size < stable:
        return None
    found = np.flatnonzero(held_level(values, stable) >= level - ROUNDING)
    return int(steps[found[0]]) if found.size else None


def onset(curve: Curve, t_mem: int, t_gen: int, stable: int) -> int | None:
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
        held = held_level(np.pad(loss, stable - 1, mode="edge"), stable)[stable - 1 :][: loss.size]
        inside &= loss <= held + np.ptp(held[inside])
    steps, loss = steps[inside], loss[inside]
    stretch = np.arange(loss.size)
    # From wider than `stable`: a blow-up with its way back can outlast it, and a clean curve loses nothing by it.
    for width in range(min(2 * stable - 1, loss.size), 0, -1):
        held = held_level(loss, width)[stretch]
        stretch = stretch[held == held.max()]
    return int(steps[stretch[0]])

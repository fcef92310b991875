"""Fewer points for the instruments whose cost grows fast with their number."""

from typing import Any

import numpy as np
from jaxtyping import Int

from grokscope.numerics._points import cloud


def maxmin(points: Any, n: int, *, start: int = 0) -> Int[np.ndarray, " n"]:
    """Indices of n landmarks: the point `start`, then always the point farthest from those taken so far.

        l_1 = start,   l_j = argmax_i min_{m < j} ||x_i - x_{l_m}||

    No point is farther from them than the next landmark would be, which is at most twice as far as from the best n
    points. Outliers are among the first. Of equally far points the first is taken. Distances are exact, by differences.

    Raises ValueError unless 1 <= n <= points and 0 <= start < points.
    Source: Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5; de Silva & Carlsson 2004, doi:10.2312/SPBG/SPBG04/157-166.
    """
    points = cloud(points)
    if not 1 <= n <= len(points):
        raise ValueError(f"n must be between 1 and the {len(points)} points, got {n}")
    if not 0 <= start < len(points):
        raise ValueError(f"start must be an index of one of the {len(points)} points, got {start}")
    chosen = np.empty(n, dtype=np.int64)
    chosen[0] = start
    nearest = np.full(len(points), np.inf)
    for j in range(1, n):
        nearest = np.minimum(nearest, np.square(points - points[chosen[j - 1]]).sum(1))
        nearest[chosen[j - 1]] = -1.0  # duplicates at distance 0 may still be chosen, the same point twice never
        chosen[j] = nearest.argmax()
    return chosen


def decimate(n_points: int, share: float, seed: int) -> Int[np.ndarray, " n"]:
    """Ascending indices of a random share of n_points points, each equally likely, at least one.

    Raises ValueError unless n_points >= 1 and 0 < share <= 1.
    """
    if n_points < 1:
        raise ValueError(f"n_points must be at least 1, got {n_points}")
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share}")
    n = max(1, round(share * n_points))
    return np.sort(np.random.default_rng(seed).permutation(n_points)[:n])

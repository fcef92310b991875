"""Hartigan's dip: how far a sample is from having one mode.

    dip = min over unimodal distribution functions G of max_x |F_n(x) - G(x)|

F_n is the sample's distribution function, convex before a mode and concave after it is what a unimodal one is. p is
against the uniform distribution, of the unimodal ones the least favourable asymptotically.

Source: Hartigan & Hartigan 1985, Ann. Statist. 13, 70; Hartigan 1985, J. R. Stat. Soc. C 34, 320. The algorithm here is
the direct one: for a modal interval [x_l, x_u] the largest distance to the greatest convex minorant up to x_l, to
the least concave majorant from x_u on, the dip being half the larger; it is narrowed as theirs.
"""

import functools

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from grokscope.errors import Missing

FEWEST = 4  # of fewer values every sample has the smallest dip there is, 1 / (2 n)
DRAWS = 2000


def dip(values: ArrayLike) -> float:
    """The dip statistic, from 1 / (2 n) for one mode up to 1 / 4 for two points of equal weight.

    Raises ValueError for no value and values that are not finite.
    """
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or not given.size or not np.isfinite(given).all():
        raise ValueError(f"expected finite values in one dimension, got shape {given.shape}")
    x, counts = np.unique(given, return_counts=True)
    above = np.cumsum(counts).astype(np.float64)  # F_n at each value, in units of 1 / n; before it, `below`
    below = above - counts
    low, high, found = 0, len(x) - 1, 1.0
    while low < high:
        here = slice(low, high + 1)
        lower, upper = _hull(x[here], below[here]), _hull(x[here], -above[here])
        minorant = np.interp(x[here], x[here][lower], below[here][lower])
        majorant = np.interp(x[here], x[here][upper], above[here][upper])
        gap = majorant - minorant
        start, end = _modal(gap, lower, upper)
        if gap[[*lower, *upper]].max() <= found:
            break
        left = float((above[here] - minorant)[: start + 1].max())
        right = float((majorant - below[here])[end:].max())
        found = max(found, left, right)
        if (start, end) == (0, high - low):
            break
        low, high = low + start, low + end
    return found / (2 * given.size)


def dip_test(values: ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> tuple[float, float] | Missing:
    """The dip, and its p-value against samples of the uniform distribution of the same size.

        p = (1 + #{drawn dips >= dip}) / (1 + draws)

    Values that are not independent (a series) make p too small: thin them first. `Missing` for fewer than 4 values.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.size < FEWEST:
        return Missing(f"{sample.size} values; a dip test needs {FEWEST}")
    found = dip(sample)
    drawn = _null(sample.size, draws, seed)
    return found, float((1 + (drawn >= found - 1e-12).sum()) / (1 + draws))


@functools.lru_cache(maxsize=16)
def _null(n: int, draws: int, seed: int) -> Float[np.ndarray, " draw"]:
    rng = np.random.default_rng(seed)
    return np.array([dip(rng.random(n)) for _ in range(draws)])


def _modal(gap: Float[np.ndarray, " value"], lower: list[int], upper: list[int]) -> tuple[int, int]:
    """The interval about the largest gap, from a value that the minorant touches to one that the majorant does."""
    at_lower, at_upper = max(lower, key=lambda i: gap[i]), max(upper, key=lambda i: gap[i])
    if gap[at_lower] > gap[at_upper]:
        return at_lower, min(i for i in upper if i >= at_lower)
    return max(i for i in lower if i <= at_upper), at_upper


def _hull(x: Float[np.ndarray, " value"], y: Float[np.ndarray, " value"]) -> list[int]:
    """Places of the points that the greatest convex minorant touches."""
    xs, ys = x.tolist(), y.tolist()
    kept: list[int] = []
    for i in range(len(xs)):
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            if (ys[b] - ys[a]) * (xs[i] - xs[a]) < (ys[i] - ys[a]) * (xs[b] - xs[a]):
                break  # b lies below the chord from a to i
            kept.pop()
        kept.append(i)
    return kept

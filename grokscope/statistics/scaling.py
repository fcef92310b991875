"""How a quantity grows with the size of the training set, and the size at which two of them cross.

    ln v = a + b ln n   for each seed, by least squares over its sizes

Tables are (size, seed); NaN where a network was left out. Intervals are Student's over seeds (`intervals`): a network's
scatter about its seed's line is no independent evidence.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray

from grokscope.errors import Missing
from grokscope.statistics.intervals import FEWEST, Effect, student_effect


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """exponent: the mean over seeds of b, 0 for a quantity that does not grow. lines: (seed, 2), a and b of each seed;
    NaN for a seed with fewer than two sizes, which counts in no n. n_networks: values; n_left_out: NaN cells."""

    exponent: Effect | Missing
    lines: Float[np.ndarray, "seed 2"]
    n_networks: int
    n_left_out: int


def scaling(sizes: ArrayLike, values: ArrayLike, *, level: float = 0.95) -> Scaling:
    """The exponent with which values grow. sizes: (size,), positive and different; values: (size, seed), positive.

    Raises ValueError for other shapes and for values without a logarithm.
    """
    n, table = _checked(sizes, values)
    lines = np.array([_line(np.log(n), np.log(column)) for column in table.T])
    known = lines[np.isfinite(lines[:, 1]), 1]
    return Scaling(
        exponent=student_effect(known, level=level) if len(known) else Missing("no seed has values at two sizes"),
        lines=lines,
        n_networks=int(np.isfinite(table).sum()),
        n_left_out=int(np.isnan(table).sum()),
    )


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """The size from which a rising curve lies above a level.

    by_seed: where each rising seed's line meets the common level; NaN without a line, infinite where it does not rise.
    size: geometric mean over them; its n is that of the curve with fewer seeds. beyond: how many lie outside the sizes
    measured, where the line is extrapolated.
    """

    size: Effect | Missing
    by_seed: Float[np.ndarray, " seed"]
    beyond: int


def crossing(sizes: ArrayLike, rising: ArrayLike, other: ArrayLike, *, level: float = 0.95) -> Crossing:
    """Where the lines of `rising` (size, seed) meet the level of other networks, (size, seed) of seeds of their own.

        ln n_i = (L - a_i) / b_i,   L = mean over the other seeds of h_j, a seed's mean ln v

        variance of the mean of ln n_i = s^2(ln n_i) / n + s^2(h_j) / (m mean(b)^2)

    with Student's interval and degrees of freedom as Welch 1947, Biometrika 34, 28: both curves are uncertain, and
    their seeds are not paired. The ends are `Missing` where either curve has fewer than 5 seeds; the size is `Missing`
    where either has none, and where a line does not rise. Raises ValueError as `scaling`.
    """
    n, table = _checked(sizes, rising)
    against = np.asarray(other, dtype=np.float64)
    against = _checked(np.arange(1, len(against) + 1), against)[1]
    heights = np.array([np.log(column[~np.isnan(column)]).mean() for column in against.T if not np.isnan(column).all()])
    lines = np.array([_line(np.log(n), np.log(column)) for column in table.T])
    drawn = np.isfinite(lines[:, 1])
    by_seed = np.full(table.shape[1], np.nan)
    if not len(heights) or not drawn.any():
        return Crossing(size=Missing("no seed has a line, or none a level"), by_seed=by_seed, beyond=0)
    b = lines[drawn, 1]
    by_seed[drawn] = [np.exp((heights.mean() - a_i) / b_i) if b_i > 0 else np.inf for a_i, b_i in lines[drawn]]
    known = by_seed[drawn]
    if still := int((b <= 0).sum()):
        size = Missing(f"in {still} of {len(b)} seeds the curve does not rise")
    else:
        size = _size(np.log(known), heights / b.mean(), level)
    return Crossing(
        size=size,
        by_seed=by_seed,
        beyond=int(((known < n.min()) | (known > n.max())).sum()),
    )


def _size(logs: NDArray, shifts: NDArray, level: float) -> Effect:
    """logs: ln of where each seed's line meets the mean level. shifts: how far each other seed's level moves that."""
    fewest = min(len(logs), len(shifts))
    value = float(np.exp(logs.mean()))
    if fewest < FEWEST:
        few = Missing(f"{fewest} seeds; an interval needs {FEWEST}")
        return Effect(value=value, low=few, high=few, n=fewest)
    from scipy.stats import t

    parts = np.array([part.var(ddof=1) / len(part) for part in (logs, shifts)])
    if not parts.sum() > 0:
        return Effect(value=value, low=value, high=value, n=fewest)
    freedom = parts.sum() ** 2 / sum(part**2 / (len(of) - 1) for part, of in zip(parts, (logs, shifts), strict=True))
    reach = float(np.exp(t.isf((1 - level) / 2, freedom) * np.sqrt(parts.sum())))
    return Effect(value=value, low=value / reach, high=value * reach, n=fewest)


def _line(x: NDArray, y: NDArray) -> tuple[float, float]:
    """(a, b) of y = a + b x over finite values; NaN for fewer than two."""
    known = np.isfinite(y)
    if known.sum() < 2:
        return np.nan, np.nan
    b, a = np.polyfit(x[known], y[known], 1)
    return float(a), float(b)


def _checked(sizes: ArrayLike, values: ArrayLike) -> tuple[NDArray, NDArray]:
    n, table = np.asarray(sizes, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or not table.size or n.shape != table.shape[:1]:
        raise ValueError(f"expected (size,) and (size, seed), got the shapes {n.shape} and {table.shape}")
    if not (np.isfinite(n).all() and (n > 0).all() and len(np.unique(n)) == len(n)):
        raise ValueError(f"sizes must be positive, finite and different, got {n.tolist()}")
    if not (np.isnan(table) | (np.isfinite(table) & (table > 0))).all():
        raise ValueError(
            "values must be positive and finite, NaN where there is none: they are compared by their ratios"
        )
    return n, table

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
from grokscope.statistics.intervals import Effect, geometric_effect, student_effect


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """exponent: the mean over seeds of b, 0 for a quantity that does not grow. lines: (seed, 2), a and b of each seed;
    NaN of a seed with fewer than two sizes, which counts in no n. n_networks, n_left_out: values, and cells without."""

    exponent: Effect | Missing
    lines: Float[np.ndarray, "seed 2"]
    n_networks: int
    n_left_out: int


def scaling(sizes: ArrayLike, values: ArrayLike, *, level: float = 0.95) -> Scaling:
    """The exponent with which values grow. sizes: (size,), positive and different; values: (size, seed), positive.

    Raises ValueError for other shapes and for what has no logarithm.
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
    """Where a rising curve meets another.

    size: geometric mean over seeds, Missing where a seed's curves do not cross. by_seed: NaN where not known, infinite
    where the rising curve stays below. beyond: how many of them lie outside the sizes at which the rising curve was
    measured, where the lines only are continued.
    """

    size: Effect | Missing
    by_seed: Float[np.ndarray, " seed"]
    beyond: int


def crossing(
    sizes: ArrayLike,
    rising: ArrayLike,
    other_sizes: ArrayLike,
    other: ArrayLike,
    *,
    flat: bool = True,
    level: float = 0.95,
) -> Crossing:
    """The size from which `rising` lies above `other`; both (size, seed), of the same seeds, each at its own sizes.

        flat        ln n* = (mean ln other - a) / b             the other at its geometric mean, whatever the size
        otherwise   ln n* = (a' - a) / (b - b')                 its own line, continued to n*

    where a, b are the line of `rising`. Raises ValueError for unequal numbers of seeds and as `scaling`.
    """
    n, table = _checked(sizes, rising)
    m, against = _checked(other_sizes, other)
    if table.shape[1] != against.shape[1]:
        raise ValueError(f"the curves have {table.shape[1]} and {against.shape[1]} seeds: expected the same ones")
    found = np.full(table.shape[1], np.nan)
    for seed, (up, down) in enumerate(zip(np.log(table).T, np.log(against).T, strict=True)):
        a, b = _line(np.log(n), up)
        known = down[np.isfinite(down)]
        a_2, b_2 = (known.mean() if len(known) else np.nan, 0.0) if flat else _line(np.log(m), down)
        if np.isfinite([b, a_2, b_2]).all():
            found[seed] = np.exp((a_2 - a) / (b - b_2)) if b > b_2 else np.inf
    known = found[~np.isnan(found)]
    size: Effect | Missing
    if not len(known):
        size = Missing("no seed has both curves")
    elif not np.isfinite(known).all():
        size = Missing(f"in {np.isinf(known).sum()} of {len(known)} seeds the one does not rise above the other")
    else:
        size = geometric_effect(known, level=level)
    outside = (known < n.min()) | (known > n.max())
    return Crossing(size=size, by_seed=found, beyond=int(outside.sum()))


def _line(x: NDArray, y: NDArray) -> tuple[float, float]:
    """(a, b) of y = a + b x over what is finite; NaN for fewer than two."""
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

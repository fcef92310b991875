"""Many tests at once."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import require_finite


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values: rejecting where they are at most a, some rejection is false with a probability of at most a.

        p'_(i) = max_{j <= i} min(1, (m - j + 1) p_(j)),   p_(1) <= ... <= p_(m)

    The tests may depend on each other. Source: Holm 1979, Scand. J. Statist. 6, 65. Raises ValueError for values
    outside [0, 1].
    """
    given = np.asarray(p, dtype=np.float64)
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"p-values must be numbers from 0 to 1, got {list(p)}")
    order = np.argsort(given, kind="stable")
    steps = np.minimum(np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)), 1.0)
    adjusted = np.empty_like(given)
    adjusted[order] = steps
    return adjusted.tolist()


def holm_levels(p: Sequence[float], a: float = 0.05) -> list[float]:
    """The level of each test in Holm's procedure: a / m for the smallest p-value, a / (m - 1) for the next, ..."""
    require_finite(a=a)
    rank = np.argsort(np.argsort(np.asarray(p, dtype=np.float64), kind="stable"), kind="stable")
    return (a / (len(rank) - rank)).tolist()

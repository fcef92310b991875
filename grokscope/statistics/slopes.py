"""A straight line through numbers of runs, of which some are only known to be larger: slope and value at 0, with
intervals by level."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from grokscope.errors import Missing
from grokscope.statistics._censored import censored_line
from grokscope.statistics.regions import Family

FEWEST = 3  # numbers that are known: a line through two has no error


@dataclass(frozen=True, kw_only=True)
class Slope:
    """y = intercept + slope x; slopes and intercepts: their intervals by level. n_censored: of n runs."""

    slope: float
    intercept: float
    slopes: Family
    intercepts: Family
    n: int
    n_censored: int


def censored_slope(x: ArrayLike, y: ArrayLike, known: Sequence[bool] | ArrayLike) -> Slope | Missing:
    """The line of greatest likelihood with normal errors; y of a run that is not known is a bound from below (Tobin
    1958, Econometrica 26, 24). Least squares where all are known.

    x, y, known: (run,). Intervals: Student's with (known runs - 2) degrees of freedom, exact without bounds; runs count
    as independent. `Missing` for fewer than three known numbers, and if these have one x. Raises ValueError for unequal
    lengths and for numbers that are not finite.
    """
    from scipy.stats import t

    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    events = np.asarray(known).astype(bool)
    if x.ndim != 1 or not x.shape == y.shape == events.shape:
        raise ValueError(f"expected one x, y and flag a run, got shapes {x.shape}, {y.shape}, {events.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("x and y must be finite: what is not known has its bound")
    if events.sum() < FEWEST or np.ptp(x[events]) == 0:
        return Missing(f"{events.sum()} of {len(x)} runs have a number: a line needs {FEWEST}, at two places")
    centre = float(x[events].mean())
    line = censored_line(x - centre, y, events)
    if isinstance(line, Missing):
        return line
    at_zero = np.array([1.0, -centre])
    errors = {
        "slope": math.sqrt(line.covariance[1, 1]),
        "intercept": math.sqrt(max(float(at_zero @ line.covariance @ at_zero), 0.0)),
    }
    values = {"slope": line.b, "intercept": line.a - line.b * centre}

    def family(name: str) -> Family:
        def interval(level: float) -> tuple[float, float]:
            reach = float(t.isf((1 - level) / 2, int(events.sum()) - 2)) * errors[name]
            return values[name] - reach, values[name] + reach

        return interval

    return Slope(
        **values,
        slopes=family("slope"),
        intercepts=family("intercept"),
        n=len(x),
        n_censored=int((~events).sum()),
    )

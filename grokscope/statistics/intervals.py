"""Intervals of an effect over seeds."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing, of_all, require_finite
from grokscope.statistics.regions import Family

Seeds = Sequence[float] | Float[np.ndarray, " seed"]

FEWEST = 5  # seeds


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The mean over n seeds, with its interval; low and high are Missing for fewer than 5 seeds."""

    value: float
    low: float | Missing
    high: float | Missing
    n: int


def mean_effect(values: Seeds, *, level: float = 0.95) -> Effect:
    """The mean and its interval (`mean_ends`), Missing for fewer than FEWEST seeds.

    Equal values have an interval of length 0, which says nothing about how much another seed could differ.
    Raises ValueError for no value, and for values that are not finite.
    """
    require_finite(level=level)
    return _effect(values, lambda sample: mean_ends(sample, level))


def student_effect(values: Seeds, *, level: float = 0.95) -> Effect:
    """The mean and Student's interval, for few seeds whose values are about normal.

    Raises ValueError for no value, and for values that are not finite.
    """
    from scipy.stats import t

    require_finite(level=level)

    def ends(sample: Float[np.ndarray, " seed"]) -> tuple[float, float]:
        n, mean = len(sample), float(sample.mean())
        reach = float(t.isf((1 - level) / 2, n - 1) * sample.std(ddof=1) / np.sqrt(n))
        return mean - reach, mean + reach

    return _effect(values, ends)


def geometric_effect(values: Seeds, *, level: float = 0.95) -> Effect:
    """The geometric mean of positive values, with Student's interval of the mean logarithm."""
    log = student_effect(np.log(np.asarray(values, dtype=np.float64)), level=level)
    low, high = (of_all(lambda end: float(np.exp(end)), end) for end in (log.low, log.high))
    return Effect(value=float(np.exp(log.value)), low=low, high=high, n=log.n)


def mean_intervals(values: Seeds, bounds: tuple[float, float] | None = None) -> Family:
    """The intervals of a mean by their level: at each end the wider of Student's and Hall's (`mean_ends`).

    Equal values c say nothing of their spread, so that only what bounds them can bound their mean. Let each value lie
    in [low, high] and be another than c with probability q. All n are c with probability (1 - q)^n, which is at least
    a / 2 up to q = 1 - (a / 2)^(1 / n); and such values move the mean by at most q times their distance from c:

        [c - q (c - low), c + q (high - c)]

    For c = low or high this is the exact interval of a share. bounds: low and high; without them, equal values have no
    interval but all numbers.

    Raises ValueError as `mean_effect`, for fewer than two seeds, and for values outside their bounds.
    """
    sample = _sample(values)
    n, mean = len(sample), float(sample.mean())
    if n < 2:
        raise ValueError("one seed has no spread: an interval needs two")
    if bounds is not None and not bounds[0] <= sample[0] <= sample[-1] <= bounds[1]:
        raise ValueError(f"values are said to lie in {list(bounds)}, got {sample[0]:g} to {sample[-1]:g}")
    if _all_alike(sample):
        low, high = bounds or (-math.inf, math.inf)

        def alike(level: float) -> tuple[float, float]:
            q = 1 - ((1 - level) / 2) ** (1 / n)
            return mean - q * (mean - low), mean + q * (high - mean)

        return alike if bounds else lambda _: (low, high)

    def interval(level: float) -> tuple[float, float]:
        low, high = mean_ends(sample, level)
        return float(low), float(high)

    return interval


def mean_ends(
    samples: Float[np.ndarray, "*draw seed"], level: float
) -> tuple[Float[np.ndarray, "*draw"], Float[np.ndarray, "*draw"]]:
    """The ends of a mean's interval: the wider of Student's and of Hall's, which removes the skewness.

        T = (mean - mu) / s,   g(T) = T + c T^2 / 3 + c^2 T^3 / 27 + c / (6 n),   |T| and |g(T)| <= t / sqrt(n)

    s: with n - 1. c: the skewness of the sample. t: Student's quantile. g grows everywhere, so that it has an inverse.
    Student's interval alone covers too rarely where seeds are skewed, Hall's where they have heavy tails. The
    bootstrap's (BCa) covers too rarely nearly everywhere when seeds are few: whatever the level, it never reaches
    beyond the smallest and the largest seed, so that no correction for many tests can widen it. Coverage of all:
    docs/decisions/0020.md.

    Sources: "Student" 1908; Hall 1992, J. R. Stat. Soc. B 54, 221, "On the removal of skewness by transformation".
    """
    from scipy.stats import t

    n = samples.shape[-1]
    mean, s = samples.mean(-1), samples.std(-1, ddof=1)
    reach = float(t.isf((1 - level) / 2, n - 1)) / math.sqrt(n)
    apart = samples - mean[..., None]
    c = (apart**3).mean(-1) / (apart**2).mean(-1) ** 1.5
    c = np.where(np.abs(c) < 1e-6, 1e-6, c)  # no skewness is this limit, within rounding

    def of(g: float) -> Float[np.ndarray, "*draw"]:
        return 3 / c * (np.cbrt(1 + c * (g - c / (6 * n))) - 1)

    return mean - s * np.maximum(reach, of(reach)), mean - s * np.minimum(-reach, of(-reach))


def share_intervals(k: int, n: int) -> Family:
    """The exact intervals of k of n by their level (Clopper & Pearson 1934, Biometrika 26, 404)."""
    from scipy.special import betainccinv, betaincinv

    def interval(level: float) -> tuple[float, float]:
        tail = (1 - level) / 2
        low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
        return low, float(betainccinv(k + 1, n - k, tail)) if k < n else 1.0

    if not 0 <= k <= n or not n:
        raise ValueError(f"a share needs 0 <= k <= n and n > 0, got {k} of {n}")
    return interval


def _effect(
    values: Seeds,
    ends: Callable[[Float[np.ndarray, " seed"]], tuple[float, float] | tuple[np.ndarray, np.ndarray]],
) -> Effect:
    sample = _sample(values)
    mean, n = float(sample.mean()), len(sample)
    if n < FEWEST:
        few = Missing(f"{n} seeds; an interval needs {FEWEST}")
        return Effect(value=mean, low=few, high=few, n=n)
    if _all_alike(sample):
        return Effect(value=mean, low=mean, high=mean, n=n)
    low, high = ends(sample)
    return Effect(value=mean, low=float(low), high=float(high), n=n)


def _all_alike(sample: Float[np.ndarray, " seed"]) -> bool:
    return bool(np.ptp(sample) <= 1e-12 * np.abs(sample).max())


def _sample(values: Seeds) -> Float[np.ndarray, " seed"]:
    """Ascending: the order of seeds means nothing, not even to rounding."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not len(sample) or not np.isfinite(sample).all():
        raise ValueError(f"expected finite values, one a seed, got {values!r}")
    return np.sort(sample)

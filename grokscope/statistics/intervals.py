"""Intervals of an effect over seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.statistics.regions import Family

RESAMPLES = 9999
FEWEST = 5  # seeds; of fewer, the ends of a bootstrap interval are the smallest and the largest of them


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The mean over n seeds, with its interval; low and high are Missing for fewer than 5 seeds."""

    value: float
    low: float | Missing
    high: float | Missing
    n: int


def mean_effect(values: Sequence[float] | Float[np.ndarray, " seed"], *, level: float = 0.95, seed: int = 0) -> Effect:
    """The mean and its bias-corrected and accelerated bootstrap interval.

    Equal values have an interval of length 0: it says nothing about how much another seed could differ.
    Source: Efron 1987, "Better bootstrap confidence intervals"; scipy's. Raises ValueError for no value, and for values
    that are not finite.
    """
    from scipy.stats import bootstrap

    sample = _sample(values)
    mean, n = float(sample.mean()), len(sample)
    if n < FEWEST:
        few = Missing(f"{n} seeds; an interval needs {FEWEST}")
        return Effect(value=mean, low=few, high=few, n=n)
    if np.ptp(sample) <= 1e-12 * np.abs(sample).max():
        return Effect(value=mean, low=mean, high=mean, n=n)
    found = bootstrap(
        (sample,), np.mean, confidence_level=level, n_resamples=RESAMPLES, method="BCa", rng=np.random.default_rng(seed)
    ).confidence_interval
    return Effect(value=mean, low=float(found.low), high=float(found.high), n=n)


def student_effect(values: Sequence[float] | Float[np.ndarray, " seed"], *, level: float = 0.95) -> Effect:
    """The mean and Student's interval, for few seeds whose values are about normal: the bootstrap's is too short then.

    Raises ValueError for no value, and for values that are not finite.
    """
    from scipy.stats import t

    sample = _sample(values)
    mean, n = float(sample.mean()), len(sample)
    if n < FEWEST:
        few = Missing(f"{n} seeds; an interval needs {FEWEST}")
        return Effect(value=mean, low=few, high=few, n=n)
    reach = float(t.isf((1 - level) / 2, n - 1) * sample.std(ddof=1) / np.sqrt(n))
    return Effect(value=mean, low=mean - reach, high=mean + reach, n=n)


def geometric_effect(values: Sequence[float] | Float[np.ndarray, " seed"], *, level: float = 0.95) -> Effect:
    """The geometric mean of positive values, with Student's interval of the mean logarithm."""
    found = student_effect(np.log(np.asarray(values, dtype=np.float64)), level=level)
    low, high = (end if isinstance(end, Missing) else float(np.exp(end)) for end in (found.low, found.high))
    return Effect(value=float(np.exp(found.value)), low=low, high=high, n=found.n)


def mean_intervals(values: Sequence[float] | Float[np.ndarray, " seed"], *, seed: int = 0) -> Family:
    """The intervals of a mean by their level: the wider of the bootstrap's (BCa) and Student's, at each end.

    Of five to ten seeds the bootstrap alone covers too rarely (of normal seeds .83 and .90 at level .95), and its ends
    never lie beyond the smallest and the largest seed, whatever the level: no correction for many tests could widen it.
    Student's alone ignores skewness. Together they cover normal seeds in 95 to 96 %, and no verdict comes from
    an interval narrower than the bootstrap's.

    Equal values say nothing of their spread: their interval is the value itself up to the level 1 - 2^(1 - n) at which
    smallest to largest holds the median of any distribution, and everything above it.

    Sources: Efron 1987, J. Am. Stat. Assoc. 82, 171; "Student" 1908. Raises ValueError as `mean_effect`, and for fewer
    than two seeds.
    """
    from scipy.special import ndtr, ndtri
    from scipy.stats import t

    sample = _sample(values)
    n, mean = len(sample), float(sample.mean())
    if n < 2:
        raise ValueError("one seed has no spread: an interval needs two")
    if np.ptp(sample) <= 1e-12 * np.abs(sample).max():
        known = 1 - 2.0 ** (1 - n)
        return lambda level: (mean, mean) if level <= known else (-math.inf, math.inf)
    error = float(sample.std(ddof=1)) / math.sqrt(n)
    drawn = np.random.default_rng(seed).integers(n, size=(RESAMPLES, n))
    means = np.sort(sample[drawn].mean(1))
    # Half of the resamples that equal the mean count as below it, as in scipy's.
    below = (np.searchsorted(means, mean, "left") + np.searchsorted(means, mean, "right")) / (2 * RESAMPLES)
    bias = float(ndtri(below))
    apart = mean - sample  # proportional to the deviations of the leave-one-out means
    acceleration = float(-(apart**3).sum() / (6 * (apart**2).sum() ** 1.5))

    def end(level: float, side: Literal[-1, 1]) -> float:
        z = bias + side * float(ndtri((1 + level) / 2))
        scale = 1 - acceleration * z
        share = ndtr(bias + z / scale) if scale > 0 else float(side > 0)
        return float(np.quantile(means, share))

    def interval(level: float) -> tuple[float, float]:
        reach = error * float(t.isf((1 - level) / 2, n - 1))
        return min(end(level, -1), mean - reach), max(end(level, 1), mean + reach)

    return interval


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


def _sample(values: Sequence[float] | Float[np.ndarray, " seed"]) -> Float[np.ndarray, " seed"]:
    """Ascending: resamples are drawn by place, and the order of seeds means nothing."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not len(sample) or not np.isfinite(sample).all():
        raise ValueError(f"expected finite values, one a seed, got {values!r}")
    return np.sort(sample)

"""Intervals of an effect over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing

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

    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not len(sample) or not np.isfinite(sample).all():
        raise ValueError(f"expected finite values, one a seed, got {values!r}")
    sample = np.sort(sample)  # resamples are drawn by place, and the order of seeds means nothing
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

    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not len(sample) or not np.isfinite(sample).all():
        raise ValueError(f"expected finite values, one a seed, got {values!r}")
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

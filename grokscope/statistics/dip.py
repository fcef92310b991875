"""Hartigan's dip: how far a sample is from having one mode.

    dip = min over unimodal distribution functions G of max_x |F_n(x) - G(x)|

F_n is the sample's distribution function. A unimodal one is convex before its mode and concave after it. The p-value is
against the uniform distribution, asymptotically the least favourable of the unimodal ones.

Source: Hartigan & Hartigan 1985, Ann. Statist. 13, 70; Hartigan 1985, J. R. Stat. Soc. C 34, 320, in the package
diptest (M. Maechler's code, as in R).
"""

import functools
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from grokscope.errors import Missing

FEWEST = 4  # every sample of fewer values has the smallest dip there is, 1 / (2 n)
DRAWS = 2000


def dip(values: ArrayLike) -> float:
    """The dip statistic, from 1 / (2 n) for one mode up to 1 / 4 for two points of equal weight.

    Equal values are one point of their joint weight; G may have one such point, its mode.

    Raises ValueError for no value and values that are not finite.
    """
    from diptest import dipstat

    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or not given.size or not np.isfinite(given).all():
        raise ValueError(f"expected finite values in one dimension, got shape {given.shape}")
    statistic: Any = dipstat(given, allow_zero=False)
    return float(statistic)


def dip_test(values: ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> tuple[float, float] | Missing:
    """The dip, and its p-value against samples of the uniform distribution of the same size.

        p = (1 + #{drawn dips >= dip}) / (1 + draws)

    Values that are not independent (a series) make p too small: thin them first. `Missing` for fewer than 4 values.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.size < FEWEST:
        return Missing(f"{sample.size} values; a dip test needs {FEWEST}")
    observed = dip(sample)
    drawn = _null(sample.size, draws, seed)
    return observed, float((1 + (drawn >= observed - 1e-12).sum()) / (1 + draws))


@functools.lru_cache(maxsize=16)
def _null(n: int, draws: int, seed: int) -> Float[np.ndarray, " draw"]:
    rng = np.random.default_rng(seed)
    return np.array([dip(rng.random(n)) for _ in range(draws)])

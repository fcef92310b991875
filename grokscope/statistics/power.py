"""How many seeds would decide: the smallest n for which the interval lies inside a region with a given probability.

The effect seen and the spread between seeds are taken to be the true ones. `Missing` where the effect seen lies outside
the region, so that no n decides, and where more than LARGEST seeds would be needed.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.statistics.intervals import FEWEST, mean_ends
from grokscope.statistics.regions import Interval, Region

LARGEST = 10_000
FEW, DRAWS = 50, 5_000
POWER = 0.8  # the usual one: Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences", section 2.4


def seeds_for_mean(mean: float, sd: float, region: Region, *, a: float = 0.05, power: float = POWER) -> int | Missing:
    """For the interval of a mean (`intervals.mean_ends`) at level 1 - a, of normal seeds."""
    ends = _part(region, mean)
    if isinstance(ends, Missing):
        return ends
    if not sd > 0:
        return Missing("the seeds do not differ, so that nothing tells how many would decide")
    return _smallest(lambda n: power_of_mean(mean, sd, ends, n, a=a), power)


def power_of_mean(mean: float, sd: float, ends: Interval, n: int, *, a: float = 0.05) -> float:
    """Probability that the interval of n normal seeds lies between two ends, of which one or both may be infinite.

    Up to FEW seeds it is counted in DRAWS samples (standard error .006 at .8). Larger normal samples are hardly ever
    skewed: there it is that of Student's interval, from the noncentral t distribution:

        P(inside) >= 1 - sum over the ends of P(the interval reaches beyond), of which one is usually 0
    """
    from scipy.stats import nct, t

    if n <= FEW:
        low, high = mean_ends(_normal()[:, :n], 1 - a)
        return float(np.mean((mean + sd * low >= ends[0]) & (mean + sd * high <= ends[1])))
    reach = float(t.isf(a / 2, n - 1))
    distances = [abs(mean - end) for end in ends if math.isfinite(end)]
    missed = (float(nct.cdf(reach, n - 1, distance * math.sqrt(n) / sd)) for distance in distances)
    return max(0.0, 1 - sum(missed))


@cache
def _normal() -> Float[np.ndarray, "draw seed"]:
    """The same draws for every n, so that the power grows with it."""
    return np.random.default_rng(0).normal(size=(DRAWS, FEW))


def seeds_for_share(share: float, region: Region, *, a: float = 0.05, power: float = POWER) -> int | Missing:
    """For the exact interval of a share at level 1 - a, from the binomial distribution.

    The power of an exact test goes up and down with n; this is the first n that has it.
    """
    ends = _part(region, share)
    if isinstance(ends, Missing):
        return ends
    first = FEWEST
    for last in (100, 1_000, LARGEST):  # most answers are small, and the whole range takes a tenth of a second
        n = np.arange(first, last + 1)
        enough = n[power_of_share(share, ends, n, a=a) >= power]
        if len(enough):
            return int(enough[0])
        first = last + 1
    return Missing(f"more than {LARGEST:,} seeds")


def power_of_share(share: float, ends: Interval, n: np.ndarray, *, a: float = 0.05) -> np.ndarray:
    """Probability that the exact interval of k of n lies between two ends, by n."""
    from scipy.stats import binom

    # The lower end is at least `low` just where P(X >= k | low) <= a / 2, and mirrored.
    low, high = ends
    least = binom.isf(a / 2, n, low) + 1 if low > 0 else np.zeros(len(n))
    most = n - (binom.isf(a / 2, n, 1 - high) + 1) if high < 1 else n
    return np.where(least <= most, binom.cdf(most, n, share) - binom.cdf(least - 1, n, share), 0.0)


def seeds_for_hazard(
    ratio: float, observed: float, region: Region, *, a: float = 0.05, power: float = POWER
) -> int | Missing:
    """For the interval of a hazard ratio: runs in each of two arms of equal size.

        events = 4 ((z_{1 - a/2} + z_power) / (ln ratio - ln end))^2,   n = events / (2 observed)

    observed: the share of all runs that have the event. Source: Schoenfeld 1981, Biometrika 68, 316.
    """
    from scipy.special import ndtri

    ends = _part(region, ratio)
    if isinstance(ends, Missing):
        return ends
    if not 0 < ratio < math.inf or not observed > 0:
        return Missing("only one arm had the event, so that the ratio has no value to plan with")
    distance = min(abs(math.log(ratio / end)) for end in ends if 0 < end < math.inf)
    if distance == 0:
        return Missing("the effect seen lies on the end of its region")
    events = 4 * (float(ndtri(1 - a / 2) + ndtri(power)) / distance) ** 2
    n = max(FEWEST, math.ceil(events / (2 * observed)))
    return n if n <= LARGEST else Missing(f"more than {LARGEST:,} seeds")


def _part(region: Region, effect: float) -> Interval | Missing:
    """The stretch of a region that an effect lies in."""
    for low, high in region.parts:
        if low <= effect <= high:
            return low, high
    return Missing("the effect seen lies in neither region: no number of seeds decides it")


def _smallest(power: Callable[[int], float], least: float) -> int | Missing:
    """The smallest n whose power, which grows with n, is enough."""
    if power(LARGEST) < least:
        return Missing(f"more than {LARGEST:,} seeds")
    low, high = FEWEST - 1, LARGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= least else (middle, high)
    return high

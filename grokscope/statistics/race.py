"""How many times sooner one arm arrives than another, seed by seed, when some runs do not arrive by the budget.

Runs of one seed are a pair: the same split, start and order of batches. With T of the arm and R of the reference,

    rho = R / T,   above 1 where the arm is sooner

A run that has not arrived by the budget B has a time above B. So a pair tells rho up to an interval: [B / T, inf] if
only the arm arrives, [0, R / B] if only the reference does, [0, inf] if neither. The effect is the median of rho, which
needs no number for what was not seen. Its interval is that of order statistics,

    [x_(k+1) of the lower ends, x_(n-k) of the upper ends],   P(Binomial(n, 1/2) <= k) <= (1 - level) / 2

which covers whatever the law of rho is, and however many runs are censored. With fewer pairs than the level allows the
interval is all numbers. We depart from a bootstrap over seeds: of a median it gives few distinct ends, and it covers
too rarely with 20 pairs (docs/decisions/0046.md).

Sources: Thompson 1936, Ann. Math. Stat. 7, 122 (interval of a median); Mantel 1966, Cancer Chemother. Rep. 50, 163
(stratified log-rank).
"""

import dataclasses
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from grokscope.errors import Missing
from grokscope.statistics.intervals import Effect, mean_effect, mean_intervals
from grokscope.statistics.regions import Family, Interval
from grokscope.statistics.survival import hazard_ratio

Times = Float[np.ndarray, " seed"]
Flags = Bool[np.ndarray, " seed"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Times of two arms by seed, and whether they are arrivals; others are censored at their time, the budget."""

    arm: Times
    arrived: Flags
    reference: Times
    reference_arrived: Flags

    def __post_init__(self) -> None:
        sizes = {len(each) for each in (self.arm, self.arrived, self.reference, self.reference_arrived)}
        if len(sizes) != 1 or not sizes.pop():
            raise ValueError("pairs need one time and one flag of both arms for each seed, and at least one seed")
        if not (self.arm > 0).all() or not (self.reference > 0).all():
            raise ValueError("times must lie above 0: their ratio is asked for")

    @property
    def low(self) -> Times:
        """The smallest rho that each pair allows."""
        return np.where(self.arrived, self.reference / self.arm, 0.0)

    @property
    def high(self) -> Times:
        """The largest."""
        return np.where(self.reference_arrived, self.reference / self.arm, math.inf)


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """The median of rho: value lies between low and high of `bounds` as far as censoring leaves it open; intervals by
    level. n: pairs; open: pairs that are known up to an interval."""

    bounds: Interval
    intervals: Family
    n: int
    open: int


def paired_ratio(pairs: Pairs) -> Ratio:
    """The median of rho with its intervals, [0, inf] where the pairs are too few for the level."""
    low, high = np.sort(pairs.low), np.sort(pairs.high)

    def interval(level: float) -> Interval:
        k = _outside(len(low), (1 - level) / 2)
        return (0.0, math.inf) if k < 0 else (float(low[k]), float(high[len(high) - 1 - k]))

    bounds = (_median(low), _median(high))
    return Ratio(bounds=bounds, intervals=interval, n=len(low), open=int((pairs.low != pairs.high).sum()))


def _median(ordered: Times) -> float:
    """Between two middle values the geometric mean, so that rho and 1 / rho agree."""
    n = len(ordered)
    left, right = float(ordered[(n - 1) // 2]), float(ordered[n // 2])
    return left if left == right else 0.0 if left == 0 else math.sqrt(left) * math.sqrt(right)


def _outside(n: int, tail: float) -> int:
    """k: so many ordered values may lie beyond each end; -1 where none may, not even the extremes."""
    return int(np.searchsorted(_binomial(n), tail, side="right")) - 1


@functools.cache
def _binomial(n: int) -> Float[np.ndarray, " count"]:
    """P(Binomial(n, 1/2) <= k) for each k."""
    from scipy.stats import binom

    return binom.cdf(np.arange(n + 1), n, 0.5)


def sign_test(pairs: Pairs) -> float:
    """p, two-sided, that arm and reference are sooner equally often; ties, and pairs in which neither arrived, say
    nothing. Source: Dixon & Mood 1946, J. Am. Stat. Assoc. 41, 557."""
    from scipy.stats import binomtest

    wins, losses = int((pairs.low > 1).sum()), int((pairs.high < 1).sum())
    return 1.0 if not wins + losses else float(binomtest(wins, wins + losses).pvalue)


def stratified_log_rank(pairs: Pairs) -> float | Missing:
    """p, two-sided, of the log-rank test with each seed as a stratum.

        chi2 = (sum_s O_s - E_s)^2 / sum_s V_s

    A stratum of two runs tells only who is first: E = 1/2 and V = 1/4 at the first event of a pair without a tie, and
    nothing at the second, when one run is left. `Missing` where no pair has a first.
    """
    from scipy.stats import chi2

    # A tie of two events has d = n = 2: no variance. A censored time at an event is later than it.
    wins = pairs.arrived & ((pairs.arm < pairs.reference) | ~pairs.reference_arrived)
    losses = pairs.reference_arrived & ((pairs.reference < pairs.arm) | ~pairs.arrived)
    n, difference = int((wins | losses).sum()), float(wins.sum() - losses.sum()) / 2
    return Missing("in no pair one run is first") if not n else float(chi2.sf(difference**2 / (n / 4), 1))


def restricted_mean(times: Sequence[float], budget: float, *, level: float = 0.95) -> Effect:
    """The mean time up to the budget B at which all runs are censored: of min(t, B), with the interval of a mean of
    values between 0 and B. Where all are B, it is the one that they bound (`intervals.mean_intervals`).

    We depart from the bootstrap's interval (BCa), which covers too rarely when seeds are few: docs/decisions/0020.md.
    """
    found = mean_effect(times, level=level)
    if isinstance(found.low, Missing):
        return found
    low, high = mean_intervals(times, (0.0, budget))(level)
    return dataclasses.replace(found, low=max(low, 0.0), high=min(high, budget))


def proportional(pairs: Pairs) -> float | Missing:
    """p, two-sided, that the hazard ratio is one number all along: Schoenfeld's residuals against ln t.

    Small where curves cross, as those of an arm do that is fast or never arrives. `Missing` for fewer than five events
    of either arm.

    Source: Grambsch & Therneau 1994, Biometrika 81, 515, with the logarithm of time; here the correlation of residuals
    with ln t by Pearson's test.
    """
    from scipy.stats import pearsonr

    time = np.concatenate([pairs.arm, pairs.reference])
    event = np.concatenate([pairs.arrived, pairs.reference_arrived])
    treated = np.arange(len(time)) < len(pairs.arm)
    if min(pairs.arrived.sum(), pairs.reference_arrived.sum()) < 5:
        return Missing("fewer than 5 arrivals of an arm")
    ratio = _partial(time, event, treated)
    residuals, at = [], []
    for place in np.flatnonzero(event).tolist():
        risk = time >= time[place]
        weight = np.where(treated[risk], ratio, 1.0)
        expected = float((weight * treated[risk]).sum() / weight.sum())
        residuals.append(float(treated[place]) - expected)
        at.append(math.log(time[place]))
    if np.ptp(residuals) == 0 or np.ptp(at) == 0:
        return Missing("all events at one time")
    found: Any = pearsonr(residuals, at)  # its attributes are not typed
    return float(found.pvalue)


def _partial(time: Times, event: Flags, treated: Flags) -> float:
    """Cox's hazard ratio, kept finite."""
    found = hazard_ratio(time, event, treated)
    return 1.0 if isinstance(found, Missing) else float(np.clip(found.value, 1e-6, 1e6))

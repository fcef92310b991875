"""Times until something happens, of which some are only known to be longer: survival curves and hazard ratios.

A run that has not generalised by its last step is censored there. `times` are any real numbers on one scale (steps, or
their logarithms). `observed`: which of them are events; the others are censored. A run that is censored at the time of
an event counts as at risk there. All sums are float64.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from grokscope.errors import Missing

Sample: TypeAlias = tuple[ArrayLike, ArrayLike]
Times: TypeAlias = Float[np.ndarray, "run"]
Flags: TypeAlias = Bool[np.ndarray, "run"]
Counts: TypeAlias = Float[np.ndarray, "time"]

# Stands for an infinite log hazard ratio: exp(50) = 5e21, beside which one run is below the rounding of float64.
FARTHEST = 50.0
UNINFORMATIVE = "no event happened while both arms had a run at risk"
# Shares are products of ratios: 1/2 is reached although rounding leaves a little more.
ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class Median:
    """First time by which half have had the event, with its interval; None where the sample does not reach it."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A survival curve, the share S(t) without the event after each of the times that occur, ascending.

    low, high: S's interval, at each time by itself. n_at_risk: runs with no event and not censored before that time.
    n_events: events at that time. Before the first time S = 1.
    """

    times: Float[np.ndarray, "time"]
    survival: Float[np.ndarray, "time"]
    low: Float[np.ndarray, "time"]
    high: Float[np.ndarray, "time"]
    n_at_risk: Int[np.ndarray, "time"]
    n_events: Int[np.ndarray, "time"]

    @property
    def n_censored(self) -> Int[np.ndarray, "time"]:
        """Runs censored at each time."""
        return self.n_at_risk - np.append(self.n_at_risk[1:], 0) - self.n_events

    @property
    def median(self) -> Median:
        """min{t: S(t) <= 1/2}; its interval is where the band contains 1/2.

        Source: Brookmeyer & Crowley 1982, Biometrics 38, 29. An end that the band does not reach is open: None.
        """
        value, low, high = (self._falls_to_half(share) for share in (self.survival, self.low, self.high))
        return Median(value=value, low=low, high=high)

    def _falls_to_half(self, share: Float[np.ndarray, "time"]) -> float | None:
        places = np.flatnonzero(share <= 0.5 + ROUNDING)
        return float(self.times[places[0]]) if places.size else None


def kaplan_meier(times: ArrayLike, observed: ArrayLike, level: float = 0.95) -> Curve:
    """The survival curve of one sample.

        S(t) = prod_{t_j <= t} (1 - d_j / n_j),    S^exp(+-z s) with s^2 = sum_j d_j / (n_j (n_j - d_j)) / (log S)^2

    times, observed: (run,). d_j events among n_j at risk at t_j; z the normal quantile of `level`.

    Sources: Kaplan & Meier 1958, J. Am. Stat. Assoc. 53, 457; interval on the scale log(-log S), with Greenwood's
    variance: Kalbfleisch & Prentice 2002, "The Statistical Analysis of Failure Time Data", section 1.4. That does not
    exist at S = 1 and S = 0; there we give exact binomial bounds. S = 1: none of the n_j at risk has had the event, so
    low = a^(1/n_j), a = (1 - level)/2. S = 0: all of the last n_j had it, so high = 1 - a^(1/n_j), or the high end
    before, if that is lower.

    Raises ValueError for no run, unequal lengths, times that are not finite, a level outside (0, 1).
    """
    from scipy.stats import CensoredData, ecdf

    _require_level(level)
    t, events = _sample(times, observed)
    at, d, n = _counts(t, events)
    curve = ecdf(CensoredData(uncensored=t[events], right=t[~events])).sf
    with warnings.catch_warnings():  # where S is 1 or 0 our own bounds follow
        warnings.filterwarnings("ignore", "The confidence interval is undefined", RuntimeWarning)
        band = curve.confidence_interval(confidence_level=level, method="log-log")
    survival, tail = curve.probabilities, (1 - level) / 2
    inside = (survival > 0) & (survival < 1)
    low = np.where(inside, band.low.probabilities, np.where(survival == 1, tail ** (1 / n), 0.0))
    high = np.where(inside, band.high.probabilities, np.where(survival == 1, 1.0, 1 - tail ** (1 / n)))
    # S never rises: an earlier bound holds at the end, too.
    high[survival == 0] = np.minimum.accumulate(high)[survival == 0]
    return Curve(times=at, survival=survival, low=low, high=high, n_at_risk=n, n_events=d)


def log_rank(one: Sample, other: Sample) -> float | Missing:
    """p-value, two-sided, of the log-rank test that two samples (times, observed) have one survival curve.

        chi2 = (sum_j d_1j - d_j n_1j / n_j)^2 / sum_j d_j n_0j n_1j (n_j - d_j) / (n_j^2 (n_j - 1)),   1 d.o.f.

    `Missing` where the sum of variances is 0: no event happened while both samples had a run at risk.

    Sources: Mantel 1966, Cancer Chemother. Rep. 50, 163; Peto & Peto 1972, J. R. Stat. Soc. A 135, 185; scipy's.
    """
    from scipy.stats import CensoredData, logrank

    first, second = _sample(*one), _sample(*other)
    t, events = map(np.concatenate, zip(first, second, strict=True))
    if not _informative(*_risk_sets(t, events, np.arange(len(t)) >= len(first[0]))):
        return Missing(UNINFORMATIVE)
    x, y = (CensoredData(uncensored=t[events], right=t[~events]) for t, events in (first, second))
    return float(logrank(x, y).pvalue)


@dataclass(frozen=True, kw_only=True)
class HazardRatio:
    """Hazard of the treated over that of the others; above 1 their event comes sooner. inf and 0 are open ends."""

    value: float
    low: float
    high: float
    p: float


def hazard_ratio(
    times: ArrayLike, observed: ArrayLike, treated: ArrayLike, level: float = 0.95
) -> HazardRatio | Missing:
    """Cox's hazard ratio exp(b) of one binary covariate, from the partial likelihood with Efron's ties.

        l(b) = sum_j [ d_1j b - sum_{i < d_j} log( n_0j - i d_0j / d_j + (n_1j - i d_1j / d_j) e^b ) ]

    times, observed, treated: (run,). n_1j, d_1j: treated ones at risk and with an event at t_j; n_0j, d_0j: the others.
    Interval: all b with 2 (max l - l(b)) <= the quantile `level` of chi2 with 1 degree of freedom. p is that of the
    same likelihood ratio at b = 0, so that p < 1 - level exactly where the interval excludes 1.
    Where one side has no event while the other is at risk, l has no maximum. Then the value and one end of the interval
    are inf (only the treated have events) or 0 (they have none), and the other end is the profile's. `Missing` where no
    event happened while both sides were at risk.

    Sources: Cox 1972, J. R. Stat. Soc. B 34, 187; Efron 1977, J. Am. Stat. Assoc. 72, 557; Heinze & Schemper 2001,
    Biometrics 57, 114, on profile intervals where the likelihood is monotone.

    Raises ValueError like `kaplan_meier`, and unless there are both treated and others.
    """
    from scipy.stats import chi2

    _require_level(level)
    t, events = _sample(times, observed)
    side = _flags("treated", treated, len(t))
    if side.all() or not side.any():
        raise ValueError(f"treated is {bool(side.all())} for all {len(side)} runs: expected both arms")
    d0, d1, n0, n1 = sets = _risk_sets(t, events, side)
    if not _informative(*sets):
        return Missing(UNINFORMATIVE)
    # l(b) rises for ever unless some untreated run has its event while a treated one is at risk; and mirrored.
    rises, falls = not (d0 * (n1 > 0)).any(), not (d1 * (n0 > 0)).any()
    likelihood, score = _efron(*sets)
    best = FARTHEST if rises else -FARTHEST if falls else _root(score, -FARTHEST, FARTHEST)
    reach = float(chi2.isf(1 - level, 1))

    def excess(b: float) -> float:
        return 2 * (likelihood(best) - likelihood(b)) - reach

    low = 0.0 if falls else math.exp(_root(excess, -FARTHEST, best))
    high = math.inf if rises else math.exp(_root(excess, best, FARTHEST))
    value = math.inf if rises else 0.0 if falls else math.exp(best)
    return HazardRatio(value=value, low=low, high=high, p=float(chi2.sf(max(excess(0.0) + reach, 0.0), 1)))


def _root(function: Callable[[float], float], start: float, end: float) -> float:
    from scipy.optimize import root_scalar

    return float(root_scalar(function, bracket=(start, end), method="brentq").root)


def _efron(d0: Counts, d1: Counts, n0: Counts, n1: Counts) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """The log partial likelihood and its derivative. Arrays have one entry an event."""
    d = d0 + d1
    which = np.repeat(np.arange(len(d)), d.astype(int))
    share = (np.arange(len(which)) - np.repeat(np.cumsum(d) - d, d.astype(int))) / d[which]
    others, treated = n0[which] - share * d0[which], n1[which] - share * d1[which]
    n_treated = d1.sum()

    def likelihood(b: float) -> float:
        return float(n_treated * b - np.log(others + treated * math.exp(b)).sum())

    def score(b: float) -> float:
        return float(n_treated - (treated / (others * math.exp(-b) + treated)).sum())

    return likelihood, score


def _risk_sets(t: Times, events: Flags, treated: Flags) -> list[Counts]:
    """d_0, d_1, n_0, n_1 at the times of events."""
    at = np.unique(t[events])
    dead = [((t == at[:, None]) & events & side).sum(1).astype(float) for side in (~treated, treated)]
    return dead + [((t >= at[:, None]) & side).sum(1).astype(float) for side in (~treated, treated)]


def _informative(d0: Counts, d1: Counts, n0: Counts, n1: Counts) -> bool:
    """Whether some event happened while both sides were at risk, and not to all runs at once."""
    return bool(((n0 > 0) & (n1 > 0) & (d0 + d1 < n0 + n1)).any())


def _counts(t: Times, events: Flags) -> tuple[Counts, Int[np.ndarray, "time"], Int[np.ndarray, "time"]]:
    """Distinct times, events at each, runs at risk at each."""
    at, which = np.unique(t, return_inverse=True)
    leaving = np.bincount(which, minlength=len(at))
    return at, np.bincount(which[events], minlength=len(at)), leaving[::-1].cumsum()[::-1]


def _sample(times: ArrayLike, observed: ArrayLike) -> tuple[Times, Flags]:
    t = np.asarray(times, dtype=np.float64)
    if t.ndim != 1 or not t.size:
        raise ValueError(f"times have the shape {t.shape}: expected one time a run, and at least one run")
    if not np.isfinite(t).all():
        raise ValueError("times must be finite: a run without the event is censored at its last time")
    return t, _flags("observed", observed, len(t))


def _flags(name: str, given: ArrayLike, n_runs: int) -> Flags:
    flags = np.asarray(given)
    if flags.shape != (n_runs,):
        raise ValueError(f"{name} has the shape {flags.shape}: expected one flag for each of {n_runs} times")
    if not np.isin(flags, (0, 1)).all():
        raise ValueError(f"{name} must be true or false, got {flags[~np.isin(flags, (0, 1))][0]!r}")
    return flags.astype(bool)


def _require_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")

"""Evidence: the effect of a sample of any kind, its intervals by level, and the seeds that would decide."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Fit, Means, Sample, Shares, Test, Times
from grokscope.predictions.subject import Number
from grokscope.statistics.intervals import FEWEST, mean_intervals, share_intervals
from grokscope.statistics.power import POWER, seeds_for_hazard, seeds_for_mean, seeds_for_share
from grokscope.statistics.regions import Family, Region, p_inside
from grokscope.statistics.survival import HazardRatio, hazard_ratio


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """value: the effect. n, lacking: seeds with and without an answer; missing: why the first of these has none.
    intervals: by level; None with fewer than two seeds and for a test. needed: (region, level) -> seeds that decide.
    test: the p-value of a test. accepts: whether a test that does not reject had the power to refute."""

    value: float
    n: int
    lacking: int = 0
    missing: str = ""
    intervals: Family | None = None
    needed: Callable[[Region, float], int | Missing] | None = None
    test: float | None = None
    accepts: bool | None = None


def evidence(sample: Sample | Missing) -> Evidence | Missing:
    """The effect of a sample; `Missing` where no seed has an answer."""
    match sample:
        case Missing():
            return sample
        case Means(values) | Shares(values):
            return _of_values(values, share=isinstance(sample, Shares))
        case Times():
            return _of_times(sample)
        case Fit():
            return Evidence(value=sample.value, n=sample.n, intervals=sample.intervals)
        case Test():
            return Evidence(
                value=sample.value,
                n=sample.n,
                # Holm asks for .05 of every row; a row that asks for another level is put on that scale.
                test=min(1.0, sample.p * 0.05 / sample.level),
                accepts=not isinstance(sample.power, Missing) and sample.power >= POWER,
            )


def p_values(seen: Evidence | Missing, supports: Region, refutes: Region) -> tuple[float, float] | None:
    """The p-values of both regions; None where nothing may be decided: too few seeds, or most without an answer."""
    if isinstance(seen, Missing) or seen.n < FEWEST or seen.n < seen.lacking:
        return None
    if seen.test is not None:
        return seen.test, 1.0
    assert seen.intervals is not None, "five seeds have an interval"
    return p_inside(seen.intervals, supports), p_inside(seen.intervals, refutes)


def _of_values(values: tuple[Number, ...], *, share: bool) -> Evidence | Missing:
    known = [float(value) for value in values if not isinstance(value, Missing)]
    reasons = [value.reason for value in values if isinstance(value, Missing)]
    if not known:
        return Missing(reasons[0] if reasons else "no run")
    n, rest = len(known), {"lacking": len(reasons), "missing": reasons[0] if reasons else ""}
    if share:
        k = round(sum(known))
        return Evidence(
            value=k / n,
            n=n,
            intervals=share_intervals(k, n),
            needed=lambda region, a: seeds_for_share(k / n, region, a=a),
            **rest,
        )
    mean, spread = float(np.mean(known)), float(np.std(known, ddof=1)) if n > 1 else 0.0
    return Evidence(
        value=mean,
        n=n,
        intervals=mean_intervals(known) if n > 1 else None,
        needed=lambda region, a: seeds_for_mean(mean, spread, region, a=a),
        **rest,
    )


def _of_times(sample: Times) -> Evidence | Missing:
    (t, seen), (t_other, seen_other) = sample.treated, sample.others
    times, observed = np.concatenate([t, t_other]), np.concatenate([seen, seen_other])
    treated = np.arange(len(times)) < len(t)

    def at(level: float) -> HazardRatio | Missing:
        return hazard_ratio(times, observed, treated, level)

    hazard = at(0.95)
    if isinstance(hazard, Missing):
        return hazard

    def interval(level: float) -> tuple[float, float]:
        ratio = at(level)
        assert not isinstance(ratio, Missing), "whether there is one does not depend on the level"
        return ratio.low, ratio.high

    value = hazard.value
    return Evidence(
        value=value,
        n=min(len(t), len(t_other)),
        intervals=interval,
        needed=lambda region, a: seeds_for_hazard(value, float(observed.mean()), region, a=a),
    )

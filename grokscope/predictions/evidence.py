"""Evidence: the effect of a sample of any kind, with its intervals by level, and the seeds that would decide.

A seed without an answer speaks against whatever is to be shown: `inside` takes for it the worst value of all that are
possible, or that the others or the region know where values have no bounds; `outside` the best. So no verdict rests on
what is missing.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grokscope.errors import Missing, of_all
from grokscope.predictions.arms import Arm
from grokscope.predictions.base import Fit, Key, Means, Sample, Shares, Times
from grokscope.predictions.readings import Number, answered
from grokscope.statistics.intervals import FEWEST, mean_intervals, share_intervals
from grokscope.statistics.power import seeds_for_hazard, seeds_for_mean, seeds_for_share
from grokscope.statistics.regions import SMALLEST, Family, Region, above, p_inside
from grokscope.statistics.survival import HazardRatio, hazard_ratio

AHEAD = above(0)  # where a contrast with a control must lie


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """value: the effect. values: of the seeds, where each has one. n, lacking: seeds with and without an answer;
    missing: why the first of these has none. intervals: by level, of the seeds with an answer. filled: the same with a
    value, such as one of the candidates, for each seed without one. positive: this value must be above 0. needed:
    (region, level) -> seeds that decide."""

    value: float
    n: int
    intervals: Family | None
    values: tuple[float, ...] = ()
    lacking: int = 0
    missing: str = ""
    filled: Callable[[float], Family] | None = None
    candidates: tuple[float, ...] = ()
    positive: bool = False
    needed: Callable[[Region, float], int | Missing] | None = None

    def inside(self, region: Region) -> float:
        """p of the effect lying in a region, seeds without an answer as far outside as any value known."""
        return 1.0 if (family := self._with(min, region)) is None else p_inside(family, region)

    def outside(self, region: Region) -> float:
        """p of the effect lying outside, seeds without an answer as deep inside as any value known."""
        return 1.0 if (family := self._with(max, region)) is None else p_inside(family, region.complement)

    def lies_in(self, region: Region, a: float, *, supports: Region) -> bool:
        """Whether the interval at level 1 - a lies in a region, seeds without an answer deep inside another."""
        family = self._with(max, supports)
        return family is not None and region.contains(*family(1 - a))

    def decides(self, supports: Region, a: float) -> int | str | None:
        """Seeds that would decide at this level, in the region in which the effect lies, and more than those that do
        not; or why their number is not known."""
        if self.needed is None:
            return None
        region = supports if supports.contains(self.value, self.value) else supports.complement
        seeds = self.needed(region, max(a, SMALLEST))
        return seeds.reason if isinstance(seeds, Missing) else max(int(np.ceil(seeds)), self.n + 1)

    def shown(self, level: float) -> tuple[float, float] | tuple[None, None]:
        """The interval of the seeds with an answer; None where they are too few for one."""
        return (None, None) if self.intervals is None else self.intervals(level)

    def _with(self, choose: Callable[..., float], region: Region) -> Family | None:
        if self.intervals is None or not self.lacking or self.filled is None:
            return self.intervals
        edges = (edge for edge in region.edges if edge > 0 or not self.positive)
        return self.filled(choose((*self.candidates, *edges), key=region.depth))


def evidence(sample: Sample | Missing) -> Evidence | Missing:
    """The effect of a sample, without intervals for fewer than FEWEST seeds; `Missing` where no seed has an answer."""
    match sample:
        case Missing():
            return sample
        case Means():
            return _of_means(sample)
        case Shares(values):
            return _of_shares(values.values())
        case Times():
            return _of_times(sample)
        case Fit():
            return Evidence(value=sample.value, n=sample.n, intervals=sample.intervals if sample.n >= FEWEST else None)


def told(seen: Evidence | Missing, level: float) -> dict[str, Any]:
    """Effect, interval at a level, and seeds, as fields of a scorecard; or why there is none."""
    if isinstance(seen, Missing):
        return {"missing": seen.reason}
    low, high = seen.shown(level)
    about = {"effect": seen.value, "low": low, "high": high, "n": seen.n, "values": seen.values}
    return about | {"missing": seen.missing}


def of_all_seeds(sample: Sample | Missing, seeds: Iterable[int]) -> Sample | Missing:
    """The sample with a number, `Missing`, also for each of these seeds that no arm has a run of."""
    if not isinstance(sample, Means | Shares):
        return sample
    there = {key[0] for key in sample.values}
    absent: dict[Key, Number] = {(seed,): Missing(f"seed {seed} has no run") for seed in seeds if seed not in there}
    return replace(sample, values={**sample.values, **absent})


def of_whole(sample: Sample | Missing, arms: Iterable[Arm[Any]], seeds: Iterable[int]) -> Evidence | Missing:
    """The evidence of a sample. One of all runs together has no number of each seed that a worst value could stand for:
    it decides nothing where one of the arms that it is of lacks a seed."""
    seen, wanted = evidence(sample), set(seeds)
    if isinstance(seen, Missing) or not isinstance(sample, Times | Fit):
        return seen
    for arm in arms:
        if absent := wanted - {run.config.seed for run in arm}:
            why = f"seed {min(absent)} has no run in the arm {arm.name}"
            return replace(seen, intervals=None, lacking=len(absent), missing=why)
    return seen


def inside(seen: Evidence | Missing, region: Region) -> float:
    """`Evidence.inside`; 1 without an answer."""
    return 1.0 if isinstance(seen, Missing) else seen.inside(region)


def outside(seen: Evidence | Missing, region: Region) -> float:
    """`Evidence.outside`; 1 without an answer."""
    return 1.0 if isinstance(seen, Missing) else seen.outside(region)


def contrast(sample: Sample | Missing, control: Sample | Missing, supports: Region) -> Evidence | Missing:
    """By how much the effect lies deeper in the direction of the claim than that of a control, seed by seed.

    Of a region with one end: the effect less the control's, or the control's less the effect. Of one with two ends, or
    of several stretches: by how much more the control misses the middle of the nearest one. `Missing` where the
    control's statistic has no seeds of its own. A geometric mean is compared by logarithms.
    """
    for one in (sample, control):
        if isinstance(one, Missing):
            return one
    if not isinstance(sample, Means | Shares) or not isinstance(control, Means | Shares):
        return Missing("a control is compared seed by seed, and this statistic has no number of each seed")
    geometric = isinstance(sample, Means) and sample.geometric
    along = _along(_logarithms(supports) if geometric else supports)
    bounds = (0.0, 1.0) if isinstance(sample, Shares) else None if geometric else sample.bounds
    apart: dict[Key, Number] = {}
    for key in dict.fromkeys((*sample.values, *control.values)):
        alone = Missing(f"seed {key[0]} has no run in one of the two arms")
        pair = (sample.values.get(key, alone), control.values.get(key, alone))
        apart[key] = of_all(lambda own, other: _apart(own, other, along, geometric=geometric), *pair)
    reach = None if bounds is None else abs(along(bounds[0]) - along(bounds[1]))
    return _of_means(Means(apart, bounds=None if reach is None else (-reach, reach)))


def _apart(own: float, other: float, along: Callable[[float], float], *, geometric: bool) -> Number:
    if not geometric:
        return along(own) - along(other)
    if min(own, other) <= 0:
        return Missing(f"a logarithm needs numbers above 0, got {min(own, other):g}")
    return along(math.log(own)) - along(math.log(other))


def _along(supports: Region) -> Callable[[float], float]:
    """A number that grows in the direction of a claim."""
    ends = [end for part in supports.parts for end in part]
    if len(supports.parts) == 1 and math.isinf(ends[1]):
        return lambda value: value
    if len(supports.parts) == 1 and math.isinf(ends[0]):
        return lambda value: -value
    middles = [sum(part) / 2 for part in supports.parts if not any(map(math.isinf, part))]
    return lambda value: -min(abs(value - middle) for middle in middles) if middles else supports.depth(value)


def _split(values: Iterable[Number]) -> tuple[list[float], list[str]]:
    listed = list(values)
    return [float(x) for x in answered(listed)], [x.reason for x in listed if isinstance(x, Missing)]


def _of_shares(values: Iterable[Number]) -> Evidence | Missing:
    known, reasons = _split(values)
    k, n, lacking = round(sum(known)), len(known), len(reasons)
    if not n:
        return Missing(reasons[0] if reasons else "no run")
    return Evidence(
        value=k / n,
        values=tuple(known),
        n=n,
        intervals=share_intervals(k, n) if n >= FEWEST else None,
        lacking=lacking,
        missing=reasons[0] if reasons else "",
        filled=lambda value: share_intervals(k + lacking * (value >= 0.5), n + lacking),
        candidates=(0.0, 1.0),
        needed=lambda region, a: seeds_for_share(k / n, region, a=a),
    )


def _of_means(sample: Means) -> Evidence | Missing:
    known, reasons = _split(sample.values.values())
    n, lacking = len(known), len(reasons)
    if not n:
        return Missing(reasons[0] if reasons else "no run")
    if sample.geometric and min(known) <= 0:
        return Missing(f"a geometric mean needs numbers above 0, got {min(known):g}")
    scale: Callable[[float], float] = math.log if sample.geometric else float
    back: Callable[[float], float] = _exp if sample.geometric else float
    bounds = None if sample.geometric else sample.bounds

    def family(values: list[float]) -> Family:
        of = mean_intervals([scale(value) for value in values], bounds)

        def interval(level: float) -> tuple[float, float]:
            low, high = of(level)
            return back(low), back(high)

        return interval

    scaled = [scale(value) for value in known]
    mean, spread = float(np.mean(scaled)), float(np.std(scaled, ddof=min(1, n - 1)))
    return Evidence(
        value=back(mean),
        values=tuple(known),
        n=n,
        intervals=family(known) if n >= FEWEST else None,
        lacking=lacking,
        missing=reasons[0] if reasons else "",
        filled=lambda value: family([*known, *[value] * lacking]),
        candidates=tuple(known) if bounds is None else bounds,
        positive=sample.geometric,
        needed=lambda region, a: seeds_for_mean(mean, spread, _logarithms(region) if sample.geometric else region, a=a),
    )


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


def _logarithms(region: Region) -> Region:
    def end(value: float) -> float:
        if value == math.inf:
            return value
        return math.log(value) if value > 0 else -math.inf

    return Region(tuple((end(low), end(high)) for low, high in region.parts))


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

    value, n = hazard.value, min(len(t), len(t_other))
    return Evidence(
        value=value,
        n=n,
        intervals=interval if n >= FEWEST else None,
        needed=lambda region, a: seeds_for_hazard(value, float(observed.mean()), region, a=a),
    )

"""How the arms of a race stand, from its results alone: times, ratios to the reference, collapses, costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

import numpy as np

from grokscope.errors import Missing
from grokscope.statistics.contrasts import Share, share
from grokscope.statistics.intervals import Effect
from grokscope.statistics.multiplicity import holm, holm_levels
from grokscope.statistics.race import (
    Pairs,
    Ratio,
    paired_ratio,
    proportional,
    restricted_mean,
    sign_test,
    stratified_log_rank,
)
from grokscope.statistics.survival import Curve, HazardRatio, hazard_ratio, kaplan_meier
from grokscope.studies.race.base import REFERENCE, settings
from grokscope.studies.race.results import Result

LEVEL = 0.05
LONG = 10  # the budget must be so many times the reference's median
CLEAR = 5  # evaluations between memorising and arriving, of the reference: below, there is no delay to shorten


@dataclass(frozen=True, kw_only=True, eq=False)
class Against:
    """An arm beside the reference, by seed. level: Holm's, at which its ratio is decided; p: of the sign test, as it is
    and adjusted over the arms of the setting."""

    ratio: Ratio
    hazard: HazardRatio | Missing
    proportional: float | Missing
    log_rank: float | Missing
    p: float
    adjusted: float
    level: float

    @property
    def ends(self) -> tuple[float, float]:
        """The interval at Holm's level."""
        return self.ratio.intervals(1 - self.level)


@dataclass(frozen=True, kw_only=True, eq=False)
class Standing:
    """One arm. arrived: runs that did. mean: the restricted mean time with its interval [steps]. curve: of the times.
    delay: median of t_gen - t_mem of those that arrived [steps]; first: of the first crossing. fell: runs of those that
    arrived which were below the level afterwards. below: the mean share of their later evaluations; collapse: the
    median step of the first; final: mean accuracy at the budget, a diverged run counting 0. diverged: runs."""

    arm: str
    method: str
    goal: str
    cell: str
    rows: tuple[Result, ...]
    arrived: Share
    mean: Effect
    curve: Curve
    first: float | None
    delay: float | None
    fell: Share | Missing
    below: float | None
    collapse: float | None
    final: float
    diverged: int
    against: Against | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Race:
    """One setting. reference: the arm that the others are compared with. doubts: why it may show nothing. leaks: runs
    of each negative arm that arrived, by control and method."""

    setting: str
    reference: str
    standings: tuple[Standing, ...]
    doubts: tuple[str, ...]
    leaks: Mapping[tuple[str, str], Share]

    def arm(self, name: str) -> Standing | None:
        return next((one for one in self.standings if one.arm == name), None)


def races(rows: Sequence[Result]) -> dict[str, Race | Missing]:
    """The race of each setting of which there is a judged run; of one that this process does not know against the
    reference of all."""
    judged = dict.fromkeys(row.setting for row in rows if row.part == "judging")
    known = {one.id: one.against for one in settings()}
    return {name: race(rows, name, known.get(name, REFERENCE)) for name in judged}


def race(rows: Iterable[Result], setting: str, reference: str) -> Race | Missing:
    """The race of one setting. reference: its arm; `Missing` where it has not run."""
    own = [row for row in rows if row.setting == setting]
    judged = _grouped(row for row in own if row.part == "judging")
    if reference not in judged:
        return Missing(f"{reference} has not run in {setting}")
    bare = {arm: standing(arm, each) for arm, each in judged.items()}
    steady = f"{reference}, steady"
    beside = {
        arm: judged[steady if arm.endswith(", steady") and steady in judged else reference]
        for arm in judged
        if arm not in (reference, steady)
    }
    compared = _against({arm: pairs_of(judged[arm], other) for arm, other in beside.items()})
    found = [_with(one, compared.get(arm)) for arm, one in bare.items()]
    return Race(
        setting=setting,
        reference=reference,
        standings=tuple(sorted(found, key=lambda one: np.mean([row.time for row in one.rows]))),
        doubts=tuple(doubts(bare[reference])),
        leaks={
            (control, method): share(sum(row.t_gen is not None for row in each), len(each))
            for (control, method), each in _by_control(own).items()
        },
    )


def standing(arm: str, rows: Sequence[Result]) -> Standing:
    """One arm by itself."""
    there = [row for row in rows if row.t_gen is not None]
    fell = [row for row in there if row.collapse is not None]
    delays = [row.t_gen - row.t_mem for row in there if row.t_gen is not None and row.t_mem is not None]
    times = [float(row.time) for row in rows]
    return Standing(
        arm=arm,
        method=rows[0].method,
        goal=rows[0].goal,
        cell=rows[0].cell,
        rows=tuple(rows),
        arrived=share(len(there), len(rows)),
        mean=restricted_mean(times, max(row.budget for row in rows)),
        curve=kaplan_meier(times, [row.t_gen is not None for row in rows]),
        first=_middle([row.first for row in rows]),
        delay=_middle(delays),
        fell=share(len(fell), len(there)) if there else Missing("no run arrived"),
        below=mean([row.below or 0.0 for row in there]) if there else None,
        collapse=_middle([row.collapse for row in fell]),
        final=mean([row.final or 0.0 for row in rows]),
        diverged=sum(row.diverged is not None for row in rows),
    )


def pairs_of(arm: Sequence[Result], reference: Sequence[Result]) -> Pairs | Missing:
    """The runs of the seeds that both have."""
    ours, theirs = ({row.seed: row for row in each} for each in (arm, reference))
    seeds = sorted(ours.keys() & theirs.keys())
    if not seeds:
        return Missing("no seed in common with the reference")

    def of(rows: Mapping[int, Result]) -> tuple[np.ndarray, np.ndarray]:
        # A time of 0 would be that of a network that could do it before training: half a step stands for it.
        times = np.array([max(rows[seed].time, 0.5) for seed in seeds])
        return times, np.array([rows[seed].t_gen is not None for seed in seeds])

    (time, arrived), (other, other_arrived) = of(ours), of(theirs)
    return Pairs(arm=time, arrived=arrived, reference=other, reference_arrived=other_arrived)


def doubts(reference: Standing) -> Iterable[str]:
    """Reasons, as keys of texts, why a race says little: a short budget, no delay, a reference that seldom arrives."""
    middle, every = reference.curve.median.value, reference.rows[0].every
    if middle is None or reference.arrived.k * 2 < reference.arrived.n:
        yield "fails"
        return
    if reference.rows[0].budget < LONG * middle:
        yield "short"
    if reference.delay is not None and reference.delay < CLEAR * every:
        yield "no_delay"


def _against(pairs: Mapping[str, Pairs | Missing]) -> dict[str, Against]:
    known = {arm: each for arm, each in pairs.items() if isinstance(each, Pairs)}
    tests = [sign_test(each) for each in known.values()]
    corrected = zip(tests, holm(tests), holm_levels(tests, LEVEL), strict=True) if tests else ()
    return {
        arm: Against(
            ratio=paired_ratio(each),
            hazard=hazard_ratio(
                np.concatenate([each.arm, each.reference]),
                np.concatenate([each.arrived, each.reference_arrived]),
                np.arange(2 * len(each.arm)) < len(each.arm),
            ),
            proportional=proportional(each),
            log_rank=stratified_log_rank(each),
            p=p,
            adjusted=adjusted,
            level=level,
        )
        for (arm, each), (p, adjusted, level) in zip(known.items(), corrected, strict=True)
    }


def _with(one: Standing, against: Against | None) -> Standing:
    return one if against is None else Standing(**{**vars(one), "against": against})


def _grouped(rows: Iterable[Result]) -> dict[str, list[Result]]:
    arms: dict[str, list[Result]] = {}
    for row in rows:
        arms.setdefault(row.arm, []).append(row)
    return arms


def _by_control(rows: Iterable[Result]) -> dict[tuple[str, str], list[Result]]:
    found: dict[tuple[str, str], list[Result]] = {}
    for row in rows:
        if row.part == "negative":
            found.setdefault((row.control, row.method), []).append(row)
    return found


def _middle(values: Iterable[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(median(known)) if known else None

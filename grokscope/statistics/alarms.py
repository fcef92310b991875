"""Whether a quantity announces an event, and without crying wolf: rules on series that read only the past.

The unit is the run. A run is at risk from the step at which it has memorised; its event is the step at which it has
generalised; a run without one is censored at its end, never dropped.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grokscope.errors import Missing
from grokscope.statistics.contrasts import Share, share
from grokscope.statistics.intervals import Effect

LEVELS = 60  # thresholds that are tried
IN_A_ROW = (1, 2)  # values beyond the threshold that make an alarm
AGES = (0.25, 0.5, 0.75)  # of the median delay, at which runs are compared
RESAMPLES, SEED = 999, 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One quantity of one run. steps ascend; seed and cell: of the run, the cell being all that differs besides.
    memorised, generalised: steps, generalised None where it never did; end: its last step."""

    steps: Int[np.ndarray, " time"]
    values: Float[np.ndarray, " time"]
    memorised: int
    generalised: int | None
    end: int
    seed: int
    cell: str

    @property
    def until(self) -> int:
        """The first step at which it is no longer at risk."""
        return self.end + 1 if self.generalised is None else self.generalised

    @cached_property
    def at_risk(self) -> "Series":
        """The part that a rule may read."""
        within = (self.steps >= self.memorised) & (self.steps < self.until)
        return dataclasses.replace(self, steps=self.steps[within], values=self.values[within])

    def at(self, age: float) -> float | None:
        """The last value up to an age [steps since it memorised]; None where it has none, or is not at risk there."""
        known = self.values[(self.steps <= self.memorised + age) & np.isfinite(self.values)]
        return float(known[-1]) if len(known) and self.memorised + age < self.until else None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """An alarm: so many values in a row at or beyond the level, above it if rising, else below."""

    level: float
    rising: bool
    in_a_row: int

    def alarm(self, series: Series) -> int | None:
        """The step of the first alarm while at risk; every value up to it, and none after it, was used."""
        steps, values = series.at_risk.steps, series.at_risk.values
        beyond = values >= self.level if self.rising else values <= self.level  # NaN is neither
        run = 0
        for step, yes in zip(steps.tolist(), beyond.tolist(), strict=True):
            run = run + 1 if yes else 0
            if run == self.in_a_row:
                return step
        return None

    def early(self, series: Series) -> bool:
        """Whether its alarm was on before the run had memorised, and had not gone off when the run came to be at risk:
        it says that a network is trained, and not that it waits. An alarm that had gone off again by then is none."""
        alarm = self.alarm(series)
        before = series.steps < series.memorised
        known = np.concatenate([series.values[before][-self.in_a_row :], series.at_risk.values[: self.in_a_row]])
        beyond = known >= self.level if self.rising else known <= self.level
        return alarm is not None and before.sum() >= self.in_a_row and bool(beyond.all())


@dataclass(frozen=True, kw_only=True)
class Lead:
    """Of the runs that generalised, misses as 0: median and quartiles of t_gen - t_alarm [steps], of its share of t_gen
    - t_mem, and of ln t_gen - ln t_alarm."""

    steps: tuple[float, float, float]
    share: tuple[float, float, float]
    log: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """sensitivity: the share of runs that generalised and had an alarm before it; false_alarms: of runs that did not,
    those with an alarm. early, early_false: of all of these, those whose alarm was on before the run had memorised
    (`Rule.early`); they are counted among the alarms too. per_1000: alarms in 1,000 steps at risk of runs that did not
    generalise. rules: of each half. seen, cried: whether there was an alarm, of each run that generalised and of each
    that did not; logs: the lead ln t_gen - ln t_alarm of the former, 0 for a miss; in the order of the runs."""

    sensitivity: Share
    false_alarms: Share
    early: Share
    early_false: Share
    lead: Lead
    per_1000: float
    rules: tuple[Rule, ...]
    seen: tuple[bool, ...]
    cried: tuple[bool, ...]
    logs: tuple[float, ...]

    @property
    def gain(self) -> float:
        """Sensitivity less false alarms: 0 for a rule that knows nothing, 1 for one that is always right."""
        return self.sensitivity.value - self.false_alarms.value


def judged(runs: Sequence[Series]) -> Judged | Missing:
    """A quantity as an alarm: a rule chosen on the runs of one half of the seeds and judged on those of the other, and
    the halves exchanged. `Missing` where a half lacks runs that generalised, or runs that did not."""
    halves = _halves(runs)
    rules = []
    for half in halves:
        classes = {run.generalised is None for run in half}
        if len(classes) < 2:
            return Missing("each half of the seeds needs runs that generalised and runs that did not")
        chosen = _chosen(half)
        if chosen is None:
            return Missing("no finite value of it was measured between memorising and generalising")
        rules.append(chosen)
    of_run = {id(run): rule for half, rule in zip(reversed(halves), rules, strict=True) for run in half}
    positive, negative = _kinds(runs)
    early = [[of_run[id(run)].early(run) for run in kind] for kind in (positive, negative)]
    alarms = [of_run[id(run)].alarm(run) for run in positive]
    cried = [of_run[id(run)].alarm(run) is not None for run in negative]
    exposed = sum(run.end - run.memorised for run in negative)
    leads = [_lead(run, alarm) for run, alarm in zip(positive, alarms, strict=True)]
    spread = [tuple(float(q) for q in np.quantile(column, (0.25, 0.5, 0.75))) for column in zip(*leads, strict=True)]
    return Judged(
        sensitivity=share(sum(alarm is not None for alarm in alarms), len(positive)),
        false_alarms=share(sum(cried), len(negative)),
        early=share(sum(early[0]), len(positive)),
        early_false=share(sum(early[1]), len(negative)),
        lead=Lead(steps=_middle(spread[0]), share=_middle(spread[1]), log=_middle(spread[2])),
        per_1000=1000 * sum(cried) / exposed if exposed else 0.0,
        rules=tuple(rules),
        seen=tuple(alarm is not None for alarm in alarms),
        cried=tuple(cried),
        logs=tuple(log for _, _, log in leads),
    )


def _kinds(runs: Sequence[Series]) -> tuple[list[Series], list[Series]]:
    """The runs that generalised, and those that did not."""
    return [run for run in runs if run.generalised is not None], [run for run in runs if run.generalised is None]


def _middle(quartiles: tuple[float, ...]) -> tuple[float, float, float]:
    """Median first, then the quartiles."""
    low, median, high = quartiles
    return median, low, high


def _lead(run: Series, alarm: int | None) -> tuple[float, float, float]:
    assert run.generalised is not None
    if alarm is None:
        return 0.0, 0.0, 0.0
    steps = run.generalised - alarm
    return float(steps), steps / (run.generalised - run.memorised), math.log(run.generalised / max(alarm, 1))


def _halves(runs: Sequence[Series]) -> tuple[list[Series], list[Series]]:
    """The runs of every other seed, cell by cell: each half has the cells of the whole, as far as that goes."""
    first: list[Series] = []
    second: list[Series] = []
    for cell in sorted({run.cell for run in runs}):
        mine = [run for run in runs if run.cell == cell]
        places = {seed: place for place, seed in enumerate(sorted({run.seed for run in mine}))}
        for run in mine:
            (second if places[run.seed] % 2 else first).append(run)
    return first, second


def _chosen(runs: Sequence[Series]) -> Rule | None:
    """The rule with the largest gain; of equal ones that with the longest lead."""
    best: tuple[float, float] | None = None
    rule: Rule | None = None
    for one in _rules(runs):
        alarms = [(run, one.alarm(run)) for run in runs]
        hits = [_lead(run, alarm)[1] for run, alarm in alarms if run.generalised is not None]
        cried = [alarm is not None for run, alarm in alarms if run.generalised is None]
        score = (float(np.mean([lead > 0 for lead in hits])) - float(np.mean(cried)), float(np.mean(hits)))
        if best is None or score > best:
            best, rule = score, one
    return rule


def _rules(runs: Sequence[Series]) -> Iterator[Rule]:
    """Levels between the values of the runs at risk, both ways."""
    values = np.concatenate([run.at_risk.values for run in runs])
    values = values[np.isfinite(values)]
    if len(values):
        for level in np.unique(np.quantile(values, np.linspace(0, 1, LEVELS))):
            for rising in (True, False):
                for in_a_row in IN_A_ROW:
                    yield Rule(level=float(level), rising=rising, in_a_row=in_a_row)


def auroc(positive: Sequence[float], negative: Sequence[float], *, level: float = 0.95) -> Effect | Missing:
    """The share of pairs of a run that generalised and one that did not in which the former has the larger value; ties
    count half. Its interval: bias-corrected bootstrap over runs, in each class. `Missing` for fewer than two of either.
    """
    a, b = np.asarray(positive, float), np.asarray(negative, float)
    if min(len(a), len(b)) < 2:
        return Missing("an area needs two runs of each kind")
    wins = _wins(a, b)
    low, high = _bootstrapped(wins, level)
    return Effect(value=float(wins.mean()), low=low, high=high, n=len(a) + len(b))


def _wins(a: NDArray, b: NDArray) -> Float[np.ndarray, "positive negative"]:
    """1 where the first is larger, 1/2 where they are equal."""
    return (a[:, None] > b) + 0.5 * (a[:, None] == b)


def _bootstrapped(wins: Float[np.ndarray, "positive negative"], level: float) -> tuple[float, float]:
    """The BCa interval of the mean over both axes, each drawn anew (Efron & Tibshirani 1993, chapter 14)."""
    from scipy.stats import norm

    mean, sizes = wins.mean(), wins.shape
    rng = np.random.default_rng(SEED)
    counts = [rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n for n in sizes]
    drawn = np.einsum("di,ij,dj->d", counts[0], wins, counts[1], optimize=True)
    # What leaving out a run of either kind changes.
    changes = [(wins.mean(axis) - mean) / n for axis, n in zip((1, 0), sizes, strict=True)]
    spread = sum(float((change**2).sum()) for change in changes)
    if not spread:
        return float(mean), float(mean)
    acceleration = sum(float((change**3).sum()) for change in changes) / (6 * spread**1.5)
    below = np.clip((drawn < mean).mean() + 0.5 * (drawn == mean).mean(), 1 / RESAMPLES, 1 - 1 / RESAMPLES)
    bias, ends = norm.ppf(below), norm.ppf([(1 - level) / 2, (1 + level) / 2])
    low, high = norm.cdf(bias + (bias + ends) / (1 - acceleration * (bias + ends)))
    return float(np.quantile(drawn, low)), float(np.quantile(drawn, high))


def age_of(runs: Sequence[Series], share_of_delay: float) -> float:
    """A share of the median delay of the runs that generalised [steps]."""
    delays = [run.generalised - run.memorised for run in runs if run.generalised is not None]
    return share_of_delay * float(np.median(delays)) if delays else 0.0


def at_age(runs: Sequence[Series], share_of_delay: float) -> tuple[list[float], list[float]]:
    """The values of the runs that generalised and of those that did not, so long after they memorised, as a share of
    the median delay of the former; of runs that are still at risk there."""
    age = age_of(runs, share_of_delay)
    found: tuple[list[float], list[float]] = ([], [])
    for run in runs:
        if (value := run.at(age)) is not None:
            found[run.generalised is None].append(value)
    return found


def within_cells(runs: Sequence[Series], share_of_delay: float) -> tuple[float, int] | Missing:
    """The same area over pairs of runs of one cell alone, and the number of pairs: what is left when settings are the
    same. `Missing` where no cell has both."""
    larger, pairs, age = 0.0, 0, age_of(runs, share_of_delay)
    for cell in {run.cell for run in runs}:
        known = [(run.generalised is None, run.at(age)) for run in runs if run.cell == cell]
        a = np.array([value for never, value in known if not never and value is not None])
        b = np.array([value for never, value in known if never and value is not None])
        if len(a) and len(b):
            wins = _wins(a, b)
            larger, pairs = larger + float(wins.sum()), pairs + wins.size
    return (larger / pairs, pairs) if pairs else Missing("no setting has runs of both kinds")

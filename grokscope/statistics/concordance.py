"""Whether a quantity orders runs by the time they still have to wait, where some waits are only known to be longer.

Two forecasts that know nothing of the network stand beside it: the median t_gen of the other runs of its setting, and
the median t_gen of all other runs that have waited as long.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float

from grokscope.errors import Missing
from grokscope.statistics.alarms import RESAMPLES, SEED, Series, age_of
from grokscope.statistics.intervals import Effect
from grokscope.statistics.survival import kaplan_meier

FEWEST = 5  # runs with an event


def concordance(
    values: Float[np.ndarray, " run"],
    times: Float[np.ndarray, " run"],
    reached: Bool[np.ndarray, " run"],
    *,
    level: float = 0.95,
) -> Effect | Missing:
    """The share of comparable pairs of runs in which the one whose event comes first has the larger value; ties of
    values count half. 1/2: the quantity knows nothing of the time; below: small values come first.

    A pair is comparable if it is known whose event comes first: t_i < t_j and i has the event, or t_i = t_j, i has it
    and j has not. The interval is the percentile bootstrap's over runs. `Missing` for fewer than FEWEST events, and
    without a comparable pair.

    Source: Harrell et al. 1982, JAMA 247, 2543.
    """
    known = np.isfinite(values)
    values, times, reached = values[known], times[known], reached[known]
    if reached.sum() < FEWEST:
        return Missing(f"{int(reached.sum())} events; a concordance needs {FEWEST}")
    earlier = times[:, None] < times[None]
    tied = (times[:, None] == times[None]) & ~reached[None]
    comparable = (reached[:, None] & (earlier | tied)).astype(np.float64)
    np.fill_diagonal(comparable, 0)
    if not comparable.any():
        return Missing("of no two runs it is known whose event comes first")
    larger = comparable * ((values[:, None] > values[None]) + 0.5 * (values[:, None] == values[None]))
    n = len(values)
    drawn = np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(np.float64)
    # A run that is drawn twice makes no pair with itself: its diagonal is 0.
    over, under = (np.einsum("di,ij,dj->d", drawn, table, drawn, optimize=True) for table in (larger, comparable))
    shares = over[under > 0] / under[under > 0]
    low, high = np.quantile(shares, ((1 - level) / 2, (1 + level) / 2))
    return Effect(value=float(larger.sum() / comparable.sum()), low=float(low), high=float(high), n=n)


def with_remaining_time(runs: Sequence[Series], share_of_delay: float) -> Effect | Missing:
    """The concordance of a series with the time that is left, at an age since memorising, a share of the median delay;
    of the runs that are at risk there."""
    age = age_of(runs, share_of_delay)
    return _of(runs, age, lambda run: run.at(age))


def of_dummies(runs: Sequence[Series], share_of_delay: float) -> dict[str, Effect | Missing]:
    """The same of two forecasts, each made from the other runs alone: "setting": the median t_gen of those that differ
    from it by their seed; "waiting": the median t_gen of all those that had not generalised by its step either
    (Kaplan-Meier; for ever where it is not reached)."""
    age = age_of(runs, share_of_delay)

    def forecast(run: Series, others: list[Series]) -> float | None:
        now = run.memorised + age
        if not others or now >= run.until:
            return None
        t = np.array([one.generalised if one.generalised is not None else one.end for one in others], float)
        curve = kaplan_meier(t, [one.generalised is not None for one in others])
        half = curve.times[curve.survival <= 0.5]
        return -(float(half[0]) - now if len(half) else math.inf)

    def setting(run: Series) -> float | None:
        return forecast(run, [one for one in runs if one is not run and one.cell == run.cell])

    def waiting(run: Series) -> float | None:
        return forecast(run, [one for one in runs if one is not run and one.until > run.memorised + age])

    return {"setting": _of(runs, age, setting), "waiting": _of(runs, age, waiting)}


def _of(runs: Sequence[Series], age: float, value: Callable[[Series], float | None]) -> Effect | Missing:
    known = [(run, number) for run in runs if run.at(age) is not None and (number := value(run)) is not None]
    if not known:
        return Missing("no run is at risk at this age")
    # -inf, "never", orders before every finite number: ranks keep the order and are finite.
    _, ranks = np.unique(np.array([number for _, number in known]), return_inverse=True)
    left = np.array(
        [(run.end if run.generalised is None else run.generalised) - run.memorised - age for run, _ in known]
    )
    return concordance(ranks.astype(np.float64), left, np.array([run.generalised is not None for run, _ in known]))

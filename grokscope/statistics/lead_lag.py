"""Which of two series changes first: within one run, and over the seeds of an arm.

Steps are compared by their ratios, because training slows down with time: a lead of a hundred steps at step 200 is as
much as one of a thousand at 2,000.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from grokscope.errors import Missing
from grokscope.statistics.contrasts import WINDOW, Share, share
from grokscope.statistics.intervals import FEWEST, mean_intervals
from grokscope.statistics.plateaus import change

# Shares of the change at which two series of a run are compared: a tenth and nine tenths are lost in the noise.
SHARES = tuple(round(0.1 * k, 1) for k in range(2, 9))
# Resampled series behind the interval of one run's lag: its ends are then within .3 standard deviations.
DRAWS = 200
AnyCurve = tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True, kw_only=True)
class Lag:
    """The lag of the second series of a run behind the first: ln of the ratio of steps, above 0 if it comes later.

    value: at half of the change. low, high: the least and the most over the shares of the change, each with its 95 %
    interval for the series' fluctuation. A sign that holds from low to high depends neither on the fluctuation nor on
    the choice of the share. steps: at which each series has made half of its change.
    """

    value: float
    low: float
    high: float
    steps: tuple[int, int]


def lag(
    first: AnyCurve, second: AnyCurve, *, window: int = WINDOW, shares: Sequence[float] = SHARES, draws: int = DRAWS
) -> Lag | Missing:
    """The lag of one series behind another, each dated where it has made the same share of its own change.

        lag(s) = ln t_2(s) - ln t_1(s),   t_i(s): the step at which series i has made the share s (`plateaus.change`)

    first, second: (steps, values) of the same run, over the same stretch of it. Directions do not matter: a norm that
    falls and a score that rises have both made half of their change half way. draws: how many series are resampled for
    the interval; with 0, low and high are those over the shares alone.

    `Missing` where a series does not change, or does not come to rest before and after its change: if the end of
    training cut them, the wider of two changes with one middle would seem to lead. Each series is dated to the spacing
    of its own steps: compare series that were measured at the same steps.
    """
    before, after = (change(*curve, window=window) for curve in (first, second))
    if isinstance(before, Missing):
        return Missing(f"the first of the two series: {before.reason}")
    if isinstance(after, Missing):
        return Missing(f"the second of the two series: {after.reason}")
    every = (0.5, *shares)
    lags = after.made(every) - before.made(every)
    edges = lags[None]
    if draws:
        rng = np.random.default_rng(0)
        resampled = after.resampled(every, draws, rng) - before.resampled(every, draws, rng)
        edges = np.vstack([lags, np.quantile(resampled, (0.025, 0.975), axis=0)])
    # To nine digits: beyond them a series and its mirror image differ by rounding.
    value, low, high = (round(float(edge), 9) for edge in (lags[0], edges.min(), edges.max()))
    return Lag(value=value, low=low, high=high, steps=(before.step(0.5), after.step(0.5)))


@dataclass(frozen=True, kw_only=True)
class Lead:
    """The lag over seeds: its mean with an interval, and the share of seeds in which the first series comes first.

    low, high: of the mean of ln t_2 / t_1, Missing for fewer than five seeds. surely: in how many seeds the first
    series, and in how many the second, comes first at every share of the change. missing: seeds without an answer.
    """

    value: float
    low: float | Missing
    high: float | Missing
    first: Share
    surely: tuple[int, int]
    missing: int


def lead(lags: Sequence[Lag | Missing], *, level: float = 0.95) -> Lead | Missing:
    """Which of two series changed first over the seeds of an arm. `Missing` where no seed has an answer."""
    known = [answer for answer in lags if not isinstance(answer, Missing)]
    if not known:
        return Missing("in no seed do both series change")
    values = np.array([answer.value for answer in known])
    few = Missing(f"{len(known)} seeds; an interval needs {FEWEST}")
    low, high = mean_intervals(values)(level) if len(known) >= FEWEST else (few, few)
    return Lead(
        value=float(values.mean()),
        low=low,
        high=high,
        first=share(int((values > 0).sum()), len(known), level=level),
        surely=(sum(answer.low > 0 for answer in known), sum(answer.high < 0 for answer in known)),
        missing=len(lags) - len(known),
    )

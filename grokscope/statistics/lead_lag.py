"""Which of two series changes first: within one run, and over the seeds of an arm.

Steps are compared by their ratios, because training slows down as it goes on: a lead of a hundred steps at step 200 is
as much as one of a thousand at 2,000.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from grokscope.errors import Missing
from grokscope.statistics.contrasts import WINDOW, Share, share
from grokscope.statistics.intervals import FEWEST, mean_intervals
from grokscope.statistics.plateaus import change

# Shares of its change at which two series of a run are compared: a tenth and nine tenths are within a series' noise.
SHARES = tuple(round(0.1 * k, 1) for k in range(2, 9))
# Resampled series behind the interval of one run's lag: its ends are then within .3 standard deviations.
DRAWS = 200
AnyCurve = tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True, kw_only=True)
class Lag:
    """By how much the second series of a run follows the first: ln of the ratio of steps, above 0 if it comes later.

    value: at half of the change. low, high: the least and the most over the shares of the change, each with its 95 %
    interval for the series' fluctuation: a sign that holds from low to high hangs neither on that nor on where the line
    is drawn. steps: at which each has made half.
    """

    value: float
    low: float
    high: float
    steps: tuple[int, int]


def lag(
    first: AnyCurve, second: AnyCurve, *, window: int = WINDOW, shares: Sequence[float] = SHARES, draws: int = DRAWS
) -> Lag | Missing:
    """The lag of one series behind another, from where each has made the same share of its own change.

        lag(s) = ln t_2(s) - ln t_1(s),   t_i(s): the step at which series i has made the share s (`plateaus.change`)

    first, second: (steps, values) of the same run, over the same stretch of it. Directions do not matter: a norm that
    falls and a score that rises have both made half of their change half way. draws: series resampled for the interval;
    0: none, low and high are those over the shares alone.

    `Missing` where one does not change, or does not come to rest before and after it: cut by the end of training, the
    wider of two changes with one middle would seem to lead. Series measured at different steps are dated to the spacing
    of their own: compare at the same ones.
    """
    found = [change(*curve, window=window) for curve in (first, second)]
    for name, one in zip(("first", "second"), found, strict=True):
        if isinstance(one, Missing):
            return Missing(f"the {name} of the two series: {one.reason}")
    one, other = (each for each in found if not isinstance(each, Missing))
    every = (0.5, *shares)
    lags = other.made(every) - one.made(every)
    edges = lags[None]
    if draws:
        rng = np.random.default_rng(0)
        apart = other.resampled(every, draws, rng) - one.resampled(every, draws, rng)
        edges = np.vstack([lags, np.quantile(apart, (0.025, 0.975), axis=0)])
    # To nine digits: beyond them a series and its mirror image differ by rounding.
    value, low, high = (round(float(edge), 9) for edge in (lags[0], edges.min(), edges.max()))
    return Lag(value=value, low=low, high=high, steps=(one.step(0.5), other.step(0.5)))


@dataclass(frozen=True, kw_only=True)
class Lead:
    """The lag over seeds: its mean with an interval, and the share of seeds in which the first series comes first.

    low, high: of the mean of ln t_2 / t_1, Missing for fewer than five seeds. surely: the seeds in which the sign holds
    at every share of the change, by sign (first, second); missing: those without an answer.
    """

    value: float
    low: float | Missing
    high: float | Missing
    first: Share
    surely: tuple[int, int]
    missing: int


def lead(lags: Sequence[Lag | Missing], *, level: float = 0.95) -> Lead | Missing:
    """Which of two series changed first over the seeds of an arm. `Missing` where no seed has an answer."""
    known = [one for one in lags if not isinstance(one, Missing)]
    if not known:
        return Missing("in no seed do both series change")
    values = np.array([one.value for one in known])
    few = Missing(f"{len(known)} seeds; an interval needs {FEWEST}")
    low, high = mean_intervals(values)(level) if len(known) >= FEWEST else (few, few)
    return Lead(
        value=float(values.mean()),
        low=low,
        high=high,
        first=share(int((values > 0).sum()), len(known), level=level),
        surely=(sum(one.low > 0 for one in known), sum(one.high < 0 for one in known)),
        missing=len(lags) - len(known),
    )

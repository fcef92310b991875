"""Which of two series changes first: within one run, and over the seeds of an arm.

Steps are compared by their ratios, because training slows down as it goes on: a lead of a hundred steps at step 200 is
as much as one of a thousand at 2,000.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from grokscope.errors import Missing
from grokscope.statistics.contrasts import WINDOW, Share, half_change, share
from grokscope.statistics.intervals import FEWEST, mean_intervals

# Shares of its change at which two series of a run are compared: a tenth and nine tenths are within a series' noise.
SHARES = tuple(round(0.1 * k, 1) for k in range(2, 9))
Curve = tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True, kw_only=True)
class Lag:
    """By how much the second series of a run follows the first: ln of the ratio of steps, above 0 if it comes later.

    value: at half of the change. low, high: the least and the most over the shares of the change, so that a sign that
    holds from low to high does not hang on where the line is drawn. steps: at which each has made half.
    """

    value: float
    low: float
    high: float
    steps: tuple[int, int]


def lag(first: Curve, second: Curve, *, window: int = WINDOW, shares: Sequence[float] = SHARES) -> Lag | Missing:
    """The lag of one series behind another, from where each has made the same share of its own change.

        lag(s) = ln t_2(s) - ln t_1(s),   t_i(s): the step at which series i has made the share s (`half_change`)

    first, second: (steps, values) of the same run, over the same stretch of it. Directions do not matter: a norm that
    falls and a score that rises have both made half of their change half way. `Missing` where one does not change.
    Series measured at different steps are dated to the spacing of their own: compare at the same ones.
    """
    times = np.array([[_time(curve, one, window) for one in (0.5, *shares)] for curve in (first, second)])
    if np.isnan(times).any():
        return Missing("one of the two series does not change beyond its fluctuation")
    lags = np.log(np.maximum(times[1], 1)) - np.log(np.maximum(times[0], 1))
    return Lag(
        value=float(lags[0]), low=float(lags.min()), high=float(lags.max()), steps=(int(times[0, 0]), int(times[1, 0]))
    )


def _time(curve: Curve, part: float, window: int) -> float:
    found = half_change(*curve, window=window, share=part)
    return math.nan if isinstance(found, Missing) else float(found)


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

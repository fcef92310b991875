"""How much of the way that groups' medians vary follows a straight line.

    r = corr(x, m),   effect = r |r|,   x the groups' places, m their medians

r is the cosine of the angle theta between the medians and the line, both less their means. The medians are known to
within a ball: with a probability of 1 - a they lie no farther than

    rho = s sqrt((J - 1) F(1 - a; J - 1, df)),   J groups, s the error of a median

from where they are (Scheffé), which turns the angle by arcsin(rho / |m|) at most. So noise makes the interval wide and
not the effect small: of a law that holds exactly, medians with large errors do not show that it does not hold.

s: 1.2533 times the robust standard deviation (1.4826 times the median absolute deviation) over sqrt(n), the root mean
square over groups. Infinite times, of runs that never got there, are fine up to a quarter of a group.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grokscope.errors import Missing
from grokscope.statistics.regions import Family

FEWEST = 3  # groups: two always lie on a line
OF_MEDIAN = 1.2533 * 1.4826  # the error of a normal sample's median, times sqrt(n), over its median absolute deviation


@dataclass(frozen=True, kw_only=True)
class Linearity:
    """r |r| of the medians, with its intervals by level; below 0 where they fall."""

    value: float
    intervals: Family


def linearity(x: Sequence[float], groups: Sequence[np.ndarray]) -> Linearity | Missing:
    """Of groups of numbers at places x. `Missing` for fewer than three groups, and for medians that do not vary or are
    not finite."""
    if len(groups) < FEWEST:
        return Missing(f"{len(groups)} groups: a line through fewer than {FEWEST} is no test")
    medians = np.array([np.median(group) for group in groups])
    if not np.isfinite(medians).all():
        return Missing("half of a group has no finite number")
    errors = [OF_MEDIAN * _deviation(group) / math.sqrt(len(group)) for group in groups]
    along, apart = np.asarray(x) - np.mean(x), medians - medians.mean()
    size = float(np.linalg.norm(apart))
    if not size > 0 or not np.linalg.norm(along) > 0:
        return Missing("the medians do not vary")
    cosine = float(np.clip(along @ apart / (np.linalg.norm(along) * size), -1, 1))
    error, free = float(np.sqrt(np.mean(np.square(errors)))), sum(len(group) - 1 for group in groups)

    def interval(level: float) -> tuple[float, float]:
        from scipy.stats import f

        reach = error * math.sqrt((len(groups) - 1) * float(f.isf(1 - level, len(groups) - 1, free)))
        if not reach < size:
            return -1.0, 1.0
        angle, turn = math.acos(cosine), math.asin(reach / size)
        return _signed(min(math.pi, angle + turn)), _signed(max(0.0, angle - turn))

    return Linearity(value=cosine * abs(cosine), intervals=interval)


def _deviation(group: np.ndarray) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.median(np.abs(group - np.median(group))))


def _signed(angle: float) -> float:
    return math.cos(angle) * abs(math.cos(angle))

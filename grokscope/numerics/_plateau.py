"""What a curve of dimension against scale says: where it is flat, and what the scales themselves may have done to it.

Scales go from the finest to the coarsest; each has an estimate and a radius, the mean distance to the neighbours that
it compares.

    borders and curvature:   log d(s) = log d + a s + O(s^2)        distort large scales
    noise of size e:         1 / d(s) = (1 / d) (1 - e^2 / s^2)     distorts small ones

The second is r^2 = t^2 + e^2 with t the distance along the manifold, of which d log(count) = d * d log(t).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grokscope.errors import Missing
from grokscope.numerics._ratios import NORMAL, Estimate

# Estimates agree within this share whatever their errors.
AGREE = 0.05
# A coarser scale contradicts a finer one where it says less than this share of what borders leave of it: a circle with
# noise in its plane has 2 and 1, a surface with noise across it 3 and 2.
FALL = 0.7


@dataclass(frozen=True, kw_only=True)
class DimensionCurve:
    """Gride's estimates of n points, means over so many disjoint shares of a cloud, and the radii, by n1."""

    n: int
    shares: int
    scales: tuple[int, ...]
    estimates: tuple[Estimate | Missing, ...]
    radii: tuple[float, ...]

    def span(self, flat: Sequence[Estimate]) -> float:
        """How many times the radius grows along a plateau."""
        first, last = (self.radii[self.scales.index(flat[end].n1)] for end in (0, -1))
        return last / first

    @property
    def fitting(self) -> list[tuple[Estimate, float]]:
        """The scales at which the law fits, with their radii."""
        pairs = zip(self.estimates, self.radii, strict=True)
        return [(each, radius) for each, radius in pairs if isinstance(each, Estimate) and each.fits]


def plateau(curve: Sequence[Estimate | Missing], least: int = 2) -> list[Estimate]:
    """The longest run of at least `least` neighbouring scales that agree; the first of several as long."""
    best: list[Estimate] = []
    for start in range(len(curve)):
        run: list[Estimate] = []
        for each in curve[start:]:
            if isinstance(each, Missing) or not each.fits or not all(_agree(before, each) for before in run):
                break
            run.append(each)
        if len(run) > max(len(best), least - 1):
            best = run
    return best


def mean(flat: Sequence[Estimate]) -> float:
    """The geometric mean of a plateau."""
    return math.exp(sum(math.log(each.value) for each in flat) / len(flat))


def contradicts(coarse: Estimate, n: int, fine: Sequence[Estimate], of: int) -> bool:
    """Whether a scale of n points says so much less than a plateau of `of` points that no border explains it."""
    value = mean(fine)
    return coarse.value < FALL * value * _border(value, coarse.n1 / n) / _border(value, fine[-1].n1 / of)


def interval(flat: Sequence[Estimate], curve: DimensionCurve, most: float) -> tuple[float, float]:
    """The 95 % interval of a plateau: for sampling, and for what the scale does to every estimate.

    It reaches from the least to the largest end of three intervals: of the plateau; of log d extrapolated to scale 0,
    where borders and curvature distort nothing, by a straight line; and, as a low end alone, of 1 / d extrapolated to
    infinite scale by a line in 1 / s^2, where noise distorts nothing. Both lines go through the plateau's first scale
    and all larger ones. A straight line goes too far where the distortion grows as s^2: the truth lies between. All
    points of a line have the same weight: at large scales it is wrong by more than the error of sampling.
    On shares of the points errors are those of one share, though the estimates are means over all: at such scales both
    distortions are at work at once, by more than the mean's error.
    most: no extrapolation goes above it, such as the number of channels.
    """
    value, wider = mean(flat), math.sqrt(curve.shares)
    width = math.exp(NORMAL * wider * max(_error(each) for each in flat))
    lows = [value / width, *(each.value for each in flat)]
    highs = [value * width, *(each.value for each in flat)]
    later = [(each, radius) for each, radius in curve.fitting if each.n1 >= flat[0].n1]
    values, errors, radii = (
        np.array(each)
        for each in zip(*((one.value, wider * _error(one), radius) for one, radius in later), strict=True)
    )
    log, error = _intercept(radii, np.log(values), errors)
    lows.append(math.exp(log - NORMAL * error))
    end = log + NORMAL * error
    highs.append(math.exp(end) if end < math.log(most) else most)
    inverse, error = _intercept(1 / radii**2, 1 / values, errors / values)
    if inverse + NORMAL * error > 0:
        lows.append(1 / (inverse + NORMAL * error))
    return min(lows), max(highs)


def _intercept(x: np.ndarray, y: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Where the least-squares line through (x, y) meets x = 0, and the standard error of that."""
    inverse = np.linalg.pinv(np.stack([np.ones_like(x), x / x.mean()], axis=1))
    return float(inverse[0] @ y), float(np.linalg.norm(inverse[0] * errors))


def _error(each: Estimate) -> float:
    return math.log(each.high / each.low) / (2 * NORMAL)


def _agree(one: Estimate, other: Estimate) -> bool:
    return abs(math.log(other.value / one.value)) <= max(AGREE, NORMAL * _error(one))


def _border(d: float, share: float) -> float:
    """What a cube's border leaves of dimension d where a ball holds 1.5 times a share of the points.

    In the maximum norm a ball of half width h about a random point of the unit cube holds (2h - h^2)^d of it, and

        d log(share) / d log(h) = 2 d (1 - h) / (2 - h),    1 - h = sqrt(1 - share^(1/d))
    """
    left = math.sqrt(1 - min(1.5 * share, 1) ** (1 / d))
    return 2 * left / (1 + left)

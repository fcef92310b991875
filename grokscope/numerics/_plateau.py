"""A curve of dimension against scale: where it is flat, and how far the scales themselves may have distorted it.

Scales go from the finest to the coarsest. Each has an estimate and a radius, the mean distance to the neighbours that
it compares.

    borders and curvature:   log d(s) = log d + a s + O(s^2)        distort large scales
    noise of size e:         1 / d(s) = (1 / d) (1 - e^2 / s^2)     distorts small scales

The second follows from r^2 = t^2 + e^2 with t the distance along the manifold, for which d log(count) = d * d log(t).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grokscope.errors import Missing
from grokscope.numerics._ratios import NORMAL, Estimate

# Estimates agree within this share whatever their errors.
AGREE = 0.05
# A coarser scale contradicts a finer one where it gives less than this share of what borders leave of the finer one: a
# circle with noise in its plane has 2 and 1, a surface with noise across it 3 and 2.
FALL = 0.7


@dataclass(frozen=True, kw_only=True)
class DimensionCurve:
    """Gride's estimates and the radii by n1: means over `shares` disjoint shares of a cloud, each of n points."""

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
        return [(estimate, radius) for estimate, radius in pairs if isinstance(estimate, Estimate) and estimate.fits]


def plateau(curve: Sequence[Estimate | Missing], least: int = 2) -> list[Estimate]:
    """The longest run of at least `least` neighbouring scales that agree; the first of several as long."""
    best: list[Estimate] = []
    for start in range(len(curve)):
        run: list[Estimate] = []
        for scale in curve[start:]:
            if isinstance(scale, Missing) or not scale.fits or not all(_agree(before, scale) for before in run):
                break
            run.append(scale)
        if len(run) > max(len(best), least - 1):
            best = run
    return best


def mean(flat: Sequence[Estimate]) -> float:
    """The geometric mean of a plateau."""
    return math.exp(sum(math.log(scale.value) for scale in flat) / len(flat))


def contradicts(coarse: Estimate, n: int, fine: Sequence[Estimate], of: int) -> bool:
    """Whether a scale of n points lies so far below a plateau of `of` points that no border explains it."""
    value = mean(fine)
    return coarse.value < FALL * value * _border(value, coarse.n1 / n) / _border(value, fine[-1].n1 / of)


def interval(flat: Sequence[Estimate], curve: DimensionCurve, most: float) -> tuple[float, float]:
    """The 95 % interval of a plateau: for sampling, and for the distortion of every estimate by its scale.

    It reaches from the least to the largest end of three intervals:
    - of the plateau itself;
    - of log d extrapolated to scale 0 by a straight line: there borders and curvature distort nothing;
    - of 1 / d extrapolated to infinite scale by a line in 1 / s^2: there noise distorts nothing. Its low end alone.
    Both lines are fitted to the plateau's first scale and all larger ones. A straight line goes too far where the
    distortion grows as s^2: the truth lies between. All points of a line have the same weight, because at large scales
    the line is wrong by more than the error of sampling.
    On shares of the points, errors are those of one share, though the estimates are means over all: at such scales both
    distortions act at once, by more than the mean's error.
    most: no extrapolation goes above it, such as the number of channels.
    """
    value, wider = mean(flat), math.sqrt(curve.shares)
    width = math.exp(NORMAL * wider * max(_error(scale) for scale in flat))
    lows = [value / width, *(scale.value for scale in flat)]
    highs = [value * width, *(scale.value for scale in flat)]
    later = [(scale.value, wider * _error(scale), radius) for scale, radius in curve.fitting if scale.n1 >= flat[0].n1]
    values, errors, radii = np.array(later).T
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


def _error(scale: Estimate) -> float:
    """The standard error of log d."""
    return math.log(scale.high / scale.low) / (2 * NORMAL)


def _agree(fine: Estimate, coarse: Estimate) -> bool:
    return abs(math.log(coarse.value / fine.value)) <= max(AGREE, NORMAL * _error(fine))


def _border(d: float, share: float) -> float:
    """The share of dimension d that a cube's border leaves where a ball holds 1.5 times a share of the points.

    In the maximum norm a ball of half width h about a random point of the unit cube holds (2h - h^2)^d of it, and

        d log(share) / d log(h) = 2 d (1 - h) / (2 - h),    1 - h = sqrt(1 - share^(1/d))
    """
    left = math.sqrt(1 - min(1.5 * share, 1) ** (1 / d))
    return 2 * left / (1 + left)

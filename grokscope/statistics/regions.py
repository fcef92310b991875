"""Regions an effect may lie in, and the level at which its interval still lies there.

A prediction is supported where the interval of its effect lies inside one region, and refuted where it lies inside
another. A region's p-value is that of the test which the intervals make by inversion:

    p = min{a: the interval at level 1 - a lies inside the region}

If the effect is outside the region, p <= a has a probability of at most a, as far as the intervals cover; of a / 2 for
a region with one end, because then only one end of the interval can be wrong. Intervals must be nested.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Interval: TypeAlias = tuple[float, float]
# The intervals of one effect, by their level.
Family: TypeAlias = Callable[[float], Interval]

SMALLEST = 1e-8  # stands for all p-values below it: no test is made at such a level
WIDEST = 0.999  # stands for the interval of level 0, the effect itself
HALVINGS = 30  # of the 18 powers of e between the ends: p is exact to 2e-8 of itself


@dataclass(frozen=True)
class Region:
    """Stretches of numbers, ends included; an open end is infinite."""

    parts: tuple[Interval, ...]

    def __post_init__(self) -> None:
        if any(math.isnan(end) for part in self.parts for end in part):
            raise ValueError(f"the ends of a region are numbers, got {self.parts}")

    def contains(self, low: float, high: float) -> bool:
        """Whether an interval lies in one of the stretches."""
        return any(start <= low and high <= end for start, end in self.parts)

    @property
    def complement(self) -> "Region":
        """All other numbers, their ends included."""
        ends = [-math.inf, *(end for part in sorted(self.parts) for end in part), math.inf]
        gaps = zip(ends[::2], ends[1::2], strict=True)
        return Region(tuple((start, end) for start, end in gaps if start < end))

    def depth(self, value: float) -> float:
        """How far a number lies inside; below 0 outside, the distance to the region."""
        if self.contains(value, value):
            return max(min(value - start, end - value) for start, end in self.parts if start <= value <= end)
        return -min((max(start - value, value - end) for start, end in self.parts), default=math.inf)

    @property
    def edges(self) -> tuple[float, ...]:
        """Its finite ends."""
        return tuple(end for part in self.parts for end in part if math.isfinite(end))


NOWHERE = Region(())


def above(end: float) -> Region:
    """All numbers from here on."""
    return Region(((end, math.inf),))


def below(end: float) -> Region:
    """All numbers up to here."""
    return Region(((-math.inf, end),))


def within(low: float, high: float) -> Region:
    """All numbers between two."""
    return Region(((low, high),))


def outside(low: float, high: float) -> Region:
    """All numbers that are not between two."""
    return Region(((-math.inf, low), (high, math.inf)))


def p_inside(family: Family, region: Region) -> float:
    """The p-value of a region, from 1 down to SMALLEST; 1 where the effect itself lies outside."""

    def inside(a: float) -> bool:
        return region.contains(*family(1 - a))

    if not inside(WIDEST):
        return 1.0
    if inside(SMALLEST):
        return SMALLEST
    low, high = math.log(SMALLEST), math.log(WIDEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if inside(math.exp(middle)) else (middle, high)
    return math.exp(high)

"""Shares of a figure as pixels: stretches that panels take, and the gaps between them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np

Track = tuple[float, float]
LEAST = 0.3  # of the room, for the panels
TOO_SMALL = "what stands around the panels of this figure leaves them too little room; take a larger {}"


@dataclass(frozen=True, kw_only=True)
class Space:
    """One direction of the figure: shares of it as pixels. Between panels it is stretched where they need room."""

    shares: tuple[float, ...]
    pixels: tuple[float, ...]

    def __call__(self, share: float) -> float:
        low, high = self.shares[0], self.shares[-1]
        per_share = (self.pixels[-1] - self.pixels[0]) / (high - low)
        if share < low:
            return self.pixels[0] + (share - low) * per_share
        if share > high:
            return self.pixels[-1] + (share - high) * per_share
        return float(np.interp(share, self.shares, self.pixels))


def tracks(domains: Iterable[Track]) -> list[Track]:
    """The stretches that panels take; those that overlap are one."""
    found: list[Track] = []
    for low, high in sorted(domains):
        if found and low < found[-1][1] - 1e-9:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def gaps(stretches: Sequence[Track], length: float) -> list[float]:
    """The pixels between stretches."""
    return [(right - left) * length for (_, left), (right, _) in pairwise(stretches)]


def space(
    start: float,
    length: float,
    stretches: Sequence[Track],
    between: Sequence[float] | None = None,
    *,
    kept: Mapping[int, float] = MappingProxyType({}),
    what: str = "width",
) -> Space:
    """Stretches with gaps of so many pixels between them, by default as wide as they are.

    kept: stretches, by number, that have so many pixels. ValueError where too little is left of what is called `what`.
    """
    own = gaps(stretches, length)
    wanted = own if between is None else between
    before, after = stretches[0][0] * length, (1 - stretches[-1][1]) * length
    free = length - before - after - sum(wanted) - sum(kept.values())
    rest = sum((high - low) * length for number, (low, high) in enumerate(stretches) if number not in kept)
    if rest and free < LEAST * rest:
        raise ValueError(TOO_SMALL.format(what))
    shares, pixels = [0.0, stretches[0][0]], [start, start + before]
    for number, (low, high) in enumerate(stretches):
        if number:
            shares.append(low)
            pixels.append(pixels[-1] + wanted[number - 1])
        shares.append(high)
        pixels.append(pixels[-1] + kept.get(number, (high - low) * length * free / (rest or 1.0)))
    return Space(shares=(*shares, 1.0), pixels=(*pixels, pixels[-1] + after))

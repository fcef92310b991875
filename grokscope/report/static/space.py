"""Shares of a figure as pixels: stretches that panels take, and the gaps between them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

Track = tuple[float, float]
LEAST = 0.3  # of the room, for the panels
NARROW = "what stands beside the panels of this figure leaves them too little room; take a larger width"


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


def space(start: float, length: float, stretches: Sequence[Track], between: Sequence[float] | None = None) -> Space:
    """Stretches with gaps of so many pixels between them, by default as wide as they are. ValueError where the gaps
    leave too little."""
    own = gaps(stretches, length)
    wanted = own if between is None else between
    before, after = stretches[0][0] * length, (1 - stretches[-1][1]) * length
    left = length - before - after
    stretch = (left - sum(wanted)) / (left - sum(own))
    if stretch < LEAST:
        raise ValueError(NARROW)
    shares, pixels = [0.0, stretches[0][0]], [start, start + before]
    for number, (low, high) in enumerate(stretches):
        if number:
            shares.append(low)
            pixels.append(pixels[-1] + wanted[number - 1])
        shares.append(high)
        pixels.append(pixels[-1] + (high - low) * length * stretch)
    return Space(shares=(*shares, 1.0), pixels=(*pixels, pixels[-1] + after))

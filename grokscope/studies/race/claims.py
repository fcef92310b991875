"""What a race says of claims: published factors, and what was guessed before it, decided by the paired ratio.

A claim "N times faster" is a prediction about the median of the paired ratio to tuned AdamW, with the region

    supported: at least N / 2,   refuted: below N / 2      (without a factor: at least 1, below 1)

So a method may keep half of what was published. Each family of claims, published and guessed, is corrected by Holm; a
claim is decided where its interval at that level lies on one side. It must lie beyond the edge: times are known to the
step of evaluation, so that ratios of exactly 1 occur, and these speak for neither side.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from grokscope.statistics.multiplicity import holm, holm_levels
from grokscope.statistics.regions import NOWHERE, Region, above, p_inside
from grokscope.studies.race.base import Method
from grokscope.studies.race.standing import LEVEL, Race

Said = Literal["supported", "refuted", "undecided"]
KEPT = 0.5  # the share of a published factor that counts as kept


@dataclass(frozen=True, kw_only=True)
class Claim:
    """kind: published or guessed. value: the median ratio, between low and high at the level; said: the verdict."""

    method: str
    kind: Literal["published", "guessed"]
    region: Region
    low: float
    high: float
    n: int
    p: float
    level: float
    said: Said


def claims(race: Race, methods: Mapping[str, Method], *, level: float = LEVEL) -> list[Claim]:
    """The claims about methods that ran in a race; each family of them is decided at the level."""
    published = {
        name: above(1.0 if method.published.times is None else KEPT * method.published.times)
        for name, method in methods.items()
        if method.published is not None
    }
    guessed = {name: method.expected for name, method in methods.items() if method.expected != NOWHERE}
    return [*_decided(race, "published", published, level), *_decided(race, "guessed", guessed, level)]


def _open(region: Region) -> Region:
    """The region without its ends."""

    def moved(end: float, to: float) -> float:
        return math.nextafter(end, to) if math.isfinite(end) else end

    return Region(tuple((moved(low, math.inf), moved(high, -math.inf)) for low, high in region.parts))


def _decided(
    race: Race, kind: Literal["published", "guessed"], regions: Mapping[str, Region], level: float
) -> list[Claim]:
    ratios = {
        name: one.against.ratio for name in regions if (one := race.arm(name)) is not None and one.against is not None
    }
    tests = {
        name: tuple(p_inside(ratio.intervals, _open(region)) for region in (regions[name], regions[name].complement))
        for name, ratio in ratios.items()
    }
    smaller = [min(pair) for pair in tests.values()]
    adjusted, levels = (holm(smaller), holm_levels(smaller, level)) if smaller else ([], [])
    found = []
    for (name, (inside, outside)), corrected, own in zip(tests.items(), adjusted, levels, strict=True):
        low, high = ratios[name].intervals(1 - own)
        said: Said = "undecided" if corrected > level else "supported" if inside <= outside else "refuted"
        about = {"method": name, "kind": kind, "region": regions[name], "n": ratios[name].n, "level": own}
        found.append(Claim(**about, low=low, high=high, p=min(inside, outside), said=said))
    return found

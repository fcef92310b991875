"""Where everything stands: shares of the figure as pixels, with room between panels for what their axes say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from grokscope.report.static.fonts import Fonts
from grokscope.report.static.rulers import reach
from grokscope.report.static.scale import Axis, Panel, Scale
from grokscope.report.static.sheet import Box
from grokscope.report.static.still import PHONE, Still

BETWEEN = 10.0  # pixels between a panel and what the axes of the next one say
LEAST = 0.3  # of the width of the sheet, for the panels


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """width, height: of the sheet. across, up: its two directions. scales: of each axis."""

    width: float
    height: float
    across: Space
    up: Space
    scales: Mapping[str, Scale]

    def panel(self, x: str, y: str) -> Panel:
        return Panel(x=self.scales[x], y=self.scales[y])

    def pixel(self, letter: str, ref: str, value: Any) -> float:
        """Where a shape or a mark stands that refers to "paper", to an axis or to the domain of one.

        value: on a logarithmic axis that of the axis, a power of ten.
        """
        if ref == "paper":
            return (self.across if letter == "x" else self.up)(float(value))
        name, _, domain = ref.partition(" ")
        if name not in self.scales:
            raise ValueError(f"a mark refers to {ref!r}, an axis on which nothing is drawn")
        scale = self.scales[name]
        return scale.start + float(value) * scale.length if domain else float(scale.at(value))


def place(still: Still, axes: Mapping[str, Axis], margins: Mapping[str, float], width: float, fonts: Fonts) -> Place:
    """margins: of the sheet, by "l", "r", "t" and "b"."""
    arranged = _arranged(still, axes, width)
    inner = width - margins["l"] - margins["r"]
    if inner < LEAST * width:
        raise ValueError(f"what stands beside this figure leaves {inner / width:.0%} of its width; take a larger width")
    columns, rows = _tracks(arranged, "x"), _tracks(arranged, "y")
    plain = _space(margins["l"], inner, columns, ())
    scales = _scales(arranged, plain, _space(0.0, _height(still, arranged, plain), rows, ()))
    across = _space(margins["l"], inner, columns, _needs(arranged, "x", scales, fonts, width))
    height = _height(still, arranged, across)
    scales = _scales(arranged, across, _space(0.0, height, rows, ()))
    needs = _needs(arranged, "y", scales, fonts, width)
    natural = [(start - end) * height for (_, end), (start, _) in pairwise(rows)]
    height += sum(max(need - free, 0.0) for need, free in zip(needs, natural, strict=True))
    up = _space(margins["b"], height, rows, needs)
    scales = _square(arranged, _scales(arranged, across, up))
    return Place(width=width, height=height + margins["t"] + margins["b"], across=across, up=up, scales=scales)


def _arranged(still: Still, axes: Mapping[str, Axis], width: float) -> dict[str, Axis]:
    """Panels with a slider stand in as many columns as the page has at this width."""
    meta = still.layout.get("meta") or {}
    domains = meta.get("narrow" if width <= PHONE else "wide", {})
    arranged = {}
    for name, axis in axes.items():
        domain = domains.get(f"{name[0]}axis{name[1:]}.domain")
        arranged[name] = axis if domain is None else replace(axis, options=axis.options | {"domain": domain})
    return arranged


def _height(still: Still, axes: Mapping[str, Axis], across: Space) -> float:
    """The height of all panels: as the figure says, or so that panels of a grid are as high as wide."""
    meta = still.layout.get("meta") or {}
    if "squares" not in meta:
        margin = still.layout.get("margin", {})
        return float(still.layout.get("height") or 450) - margin.get("t", 100) - margin.get("b", 80)
    rows = {axis.domain for name, axis in axes.items() if name[0] == "y"}
    widths = [across(axis.domain[1]) - across(axis.domain[0]) for name, axis in axes.items() if name[0] == "x"]
    share = max(high - low for low, high in rows)
    return min(max(widths), float(meta["side"])) / share


def _tracks(axes: Mapping[str, Axis], letter: str) -> list[tuple[float, float]]:
    """The stretches of one direction that panels take; those that overlap are one."""
    tracks: list[tuple[float, float]] = []
    for low, high in sorted(axis.domain for name, axis in axes.items() if name[0] == letter):
        if tracks and low < tracks[-1][1] - 1e-9:
            tracks[-1] = (tracks[-1][0], max(high, tracks[-1][1]))
        else:
            tracks.append((low, high))
    return tracks


def _needs(
    axes: Mapping[str, Axis], letter: str, scales: Mapping[str, Scale], fonts: Fonts, width: float
) -> list[float]:
    """The pixels before each stretch but the first, for axes that stand there."""
    tracks = _tracks(axes, letter)
    needs = []
    for low, high in tracks[1:]:
        inside = [
            axis
            for name, axis in axes.items()
            if name[0] != letter and axis.anchor in axes and low - 1e-9 <= axes[axis.anchor].domain[0] < high
        ]
        needs.append(
            max((reach(scales[axis.id], fonts, width) + BETWEEN for axis in inside if axis.visible), default=0.0)
        )
    return needs


def _space(start: float, length: float, tracks: Sequence[tuple[float, float]], needs: Sequence[float]) -> Space:
    """Shares as pixels: stretches between gaps that are as wide as they were, or as they need to be."""
    gaps = [(right - left) * length for (_, left), (right, _) in pairwise(tracks)]
    wanted = [max(gap, need) for gap, need in zip(gaps, needs or [0.0] * len(gaps), strict=True)]
    before, after = tracks[0][0] * length, (1 - tracks[-1][1]) * length
    left = length - before - after
    stretch = (left - sum(wanted)) / (left - sum(gaps))
    shares, pixels = [0.0, tracks[0][0]], [start, start + before]
    for number, (low, high) in enumerate(tracks):
        if number:
            shares.append(low)
            pixels.append(pixels[-1] + wanted[number - 1])
        shares.append(high)
        pixels.append(pixels[-1] + (high - low) * length * stretch)
    return Space(shares=(*shares, 1.0), pixels=(*pixels, pixels[-1] + after))


def _scales(axes: Mapping[str, Axis], across: Space, up: Space) -> dict[str, Scale]:
    scales = {}
    for name, axis in axes.items():
        space = across if name[0] == "x" else up
        scales[name] = Scale(axis=axis, start=space(axis.domain[0]), end=space(axis.domain[1]))
    return scales


def _square(axes: Mapping[str, Axis], scales: dict[str, Scale]) -> dict[str, Scale]:
    """Axes of one scale in both directions: the longer one becomes shorter, and stands in the middle of its room."""
    for name, axis in axes.items():
        other = axis.options.get("scaleanchor")
        if other is None:
            continue
        both = (scales[name], scales[other])
        if any(scale.axis.options.get("constrain") != "domain" for scale in both):
            raise ValueError("an axis has scaleanchor without constrain='domain'; a figure on paper does not draw that")
        unit = min(scale.length / abs(scale.axis.high - scale.axis.low) for scale in both)
        for scale in both:
            middle, half = (scale.start + scale.end) / 2, unit * abs(scale.axis.high - scale.axis.low) / 2
            scales[scale.axis.id] = replace(scale, start=middle - half, end=middle + half)
    return scales


def paper(place: Place) -> Box:
    """The box of all panels."""
    return Box(place.across(0.0), place.up(0.0), place.across(1.0), place.up(1.0))

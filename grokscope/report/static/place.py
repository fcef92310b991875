"""Where everything stands: the size of the sheet, and the pixels between which each axis lies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from grokscope.report.static.fonts import Fonts
from grokscope.report.static.rulers import reach
from grokscope.report.static.scale import Axis, Panel, Scale
from grokscope.report.static.sheet import Box
from grokscope.report.static.space import LEAST, TOO_SMALL, Space, Track, gaps, space, tracks
from grokscope.report.static.still import PHONE, Still
from grokscope.report.static.text import SIZE, block

LOWEST = 24.0  # pixels of a row of panels
BETWEEN = 10.0  # pixels between a panel and what the axes of the next one say
NEAR = 1e-9


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

    @property
    def paper(self) -> Box:
        """The box of all panels."""
        return Box(self.across(0.0), self.up(0.0), self.across(1.0), self.up(1.0))

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


@dataclass(frozen=True, kw_only=True)
class Size:
    """Of a sheet, in pixels. height: None for as high as the figure says."""

    width: float
    height: float | None = None


def place(still: Still, axes: Mapping[str, Axis], margins: Mapping[str, float], size: Size, fonts: Fonts) -> Place:
    """margins: of the sheet, by "l", "r", "t" and "b". ValueError where panels would be too narrow or too low."""
    axes = _arranged(still, axes, size.width)
    across = _across(still, axes, margins, size, fonts)
    up = _up(still, axes, margins, size, across=across, fonts=fonts)
    scales = _square(axes, _scales(axes, across, up))
    return Place(width=size.width, height=up(1.0) + margins["t"], across=across, up=up, scales=scales)


def _across(still: Still, axes: Mapping[str, Axis], margins: Mapping[str, float], size: Size, fonts: Fonts) -> Space:
    """From left to right: panels with room for the axes between them."""
    length = size.width - margins["l"] - margins["r"]
    if length < LEAST * size.width:
        raise ValueError(TOO_SMALL.format("width"))
    columns = tracks(axis.domain for name, axis in axes.items() if name[0] == "x")
    plain, rows = (
        space(margins["l"], length, columns),
        tracks(axis.domain for axis in axes.values() if axis.id[0] == "y"),
    )
    scales = _scales(axes, plain, space(0.0, size.height or _height(still, axes, plain), rows))
    needs = [_beside(still, scales, column, letter="x", width=size.width, fonts=fonts) for column in columns[1:]]
    return space(margins["l"], length, columns, list(map(max, gaps(columns, length), needs)))


def _up(
    still: Still, axes: Mapping[str, Axis], margins: Mapping[str, float], size: Size, *, across: Space, fonts: Fonts
) -> Space:
    """From the lowest to the highest panel. Rows of a grid stand as near as they can."""
    rows = tracks(axis.domain for name, axis in axes.items() if name[0] == "y")
    own = _height(still, axes, across)
    length = own if size.height is None else size.height - margins["t"] - margins["b"]
    if length < LOWEST * len(rows):
        raise ValueError(TOO_SMALL.format("height"))
    scales = _scales(axes, across, space(0.0, length, rows))
    needs = [_beside(still, scales, row, letter="y", width=size.width, fonts=fonts) for row in rows[1:]]
    grid, free = "squares" in (still.layout.get("meta") or {}), gaps(rows, length)
    between = needs if grid else list(map(max, free, needs))
    if size.height is None:
        return space(margins["b"], length + sum(between) - sum(free), rows, between)
    # Rows without an axis that is seen, such as names above the panels, are as high as their words ask.
    words = [not any(axis.visible for axis in _inside(axes, "y", row)) for row in rows]
    kept = {number: (high - low) * own for number, (low, high) in enumerate(rows) if words[number] and not grid}
    return space(margins["b"], length, rows, between, kept=kept, what="height")


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
    return min(max(widths), float(meta["side"])) / max(high - low for low, high in rows)


def _inside(axes: Mapping[str, Axis], letter: str, stretch: Track) -> Iterator[Axis]:
    """The axes of one direction that begin in a stretch of it."""
    for name, axis in axes.items():
        if name[0] == letter and stretch[0] - NEAR <= axis.domain[0] < stretch[1]:
            yield axis


def _beside(
    still: Still, scales: Mapping[str, Scale], stretch: Track, *, letter: str, width: float, fonts: Fonts
) -> float:
    """The pixels that are needed before a stretch: for the axes that stand there, and for words below panels."""
    axes = {name: scale.axis for name, scale in scales.items()}
    inside = {axis.id for axis in _inside(axes, letter, stretch)}
    needs = [0.0]
    for axis in axes.values():
        if axis.anchor in inside and axis.visible:
            needs.append(reach(scales[axis.id], fonts, width) + BETWEEN)
    for mark in still.layout.get("annotations", ()) if letter == "y" else ():
        name, _, domain = str(mark.get("yref", "y")).partition(" ")
        if name in inside and domain and mark["y"] == 0 and mark.get("yanchor") == "top":
            needs.append(block(str(mark["text"]), fonts, (mark.get("font") or {}).get("size", SIZE)).height + BETWEEN)
    return max(needs)


def _scales(axes: Mapping[str, Axis], across: Space, up: Space) -> dict[str, Scale]:
    scales = {}
    for name, axis in axes.items():
        direction = across if name[0] == "x" else up
        scales[name] = Scale(axis=axis, start=direction(axis.domain[0]), end=direction(axis.domain[1]))
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

"""What stands along an axis: grid, line, ticks with their labels, and the title."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from grokscope.report.static.colours import rgba
from grokscope.report.static.fonts import Fonts
from grokscope.report.static.scale import Panel, Scale
from grokscope.report.static.sheet import FRONT, GRID, Sheet
from grokscope.report.static.text import SIZE, Block, block, plain
from grokscope.report.static.ticks import Tick, minor, ticks

LABEL = 12.0  # pixels: labels of ticks are a little smaller than other text
NEAR, TITLE_GAP = 5.0, 5.0  # pixels from an axis to its labels, and from these to its title
LINE, HAIR = 1.0, 0.8  # widths in pixels: of an axis, and of its grid
NUMBER = re.compile(r"\s*[−-]?[\d,.]+%?\s*")  # of labels that are numbers, every second or third will do
WIDEST = 0.34  # of the sheet: longer labels beside an axis stand on several lines
BESIDE, NAMED, ABOVE = 10.0, 4.0, 2.0  # pixels at least between two labels: numbers or names in a row, in a column


@dataclass(frozen=True, kw_only=True)
class Ruler:
    """The labels of an axis. turned: they read upwards, because side by side they would touch."""

    labels: list[tuple[Tick, Block]]
    turned: bool

    def depth(self, scale: Scale) -> float:
        """How far the labels reach away from the axis, in pixels."""
        across = (scale.axis.id[0] == "y") != self.turned
        return max((shown.width if across else shown.height for _, shown in self.labels), default=0.0)


def ruler(scale: Scale, fonts: Fonts, width: float) -> Ruler:
    """The labels of an axis as they are written: named ones upright if they would touch, others fewer. width: of the
    sheet."""
    axis = scale.axis
    if not axis.visible or not axis.options.get("showticklabels", True):
        return Ruler(labels=[], turned=False)
    angle = axis.options.get("tickangle")
    if angle not in (None, 0, -90):
        raise ValueError(f"tickangle {angle} of axis {axis.id}: a figure on paper turns labels by 0 or -90 degrees")
    room = WIDEST * width if axis.id[0] == "y" else None
    labels = [(tick, block(tick.label, fonts, LABEL, room=room)) for tick in ticks(axis, abs(scale.length))]
    named = axis.kind == "category" or axis.options.get("ticktext") is not None
    gap = ABOVE if axis.id[0] == "y" else NAMED if named else BESIDE
    made = Ruler(labels=_apart(scale, labels, turned=angle == -90, gap=gap), turned=angle == -90)
    if axis.id[0] == "x" and named and angle is None and len(made.labels) < len(labels):
        made = Ruler(labels=_apart(scale, labels, turned=True, gap=ABOVE), turned=True)
    names = [tick.label for tick, _ in labels if not NUMBER.fullmatch(plain(tick.label))]
    if named and names and len(made.labels) < len(labels):
        larger = "width" if axis.id[0] == "x" else "height"
        raise ValueError(f"names beside an axis touch each other ({', '.join(names[:3])}…); take a larger {larger}")
    return made


def _apart(scale: Scale, labels: list[tuple[Tick, Block]], *, turned: bool, gap: float) -> list[tuple[Tick, Block]]:
    """Every label, or every second, every third and so on, until none touches another."""
    along = (scale.axis.id[0] == "x") != turned
    order = sorted(labels, key=lambda label: float(scale.at(label[0].at)))
    for every in range(1, len(order) + 1):
        kept = order[::every]
        places = [float(scale.at(tick.at)) for tick, _ in kept]
        sizes = [list(shown.widths) if along else [shown.height] for _, shown in kept]
        if not any(_touch(places, sizes, row, gap) for row in range(max(map(len, sizes)))):
            return kept
    return []


def _touch(places: list[float], sizes: list[list[float]], row: int, gap: float) -> bool:
    """Whether two labels meet on one of their lines; an empty line meets nothing."""
    taken = [(place, wide[row]) for place, wide in zip(places, sizes, strict=True) if row < len(wide) and wide[row]]
    return any(b - a < (one + other) / 2 + gap for (a, one), (b, other) in pairwise(taken))


def reach(scale: Scale, fonts: Fonts, width: float) -> float:
    """The pixels that an axis takes beside its panel."""
    depth = ruler(scale, fonts, width).depth(scale)
    title = _title(scale, fonts)
    return depth + NEAR * bool(depth) + (title.height + TITLE_GAP if title else 0.0)


def _title(scale: Scale, fonts: Fonts) -> Block | None:
    axis = scale.axis
    if not axis.visible or not axis.title:
        return None
    size = ((axis.options.get("title") or {}).get("font") or {}).get("size", SIZE)
    return block(axis.title, fonts, float(size), room=1.06 * abs(scale.length), least=0.85)


def draw_grids(sheet: Sheet, panels: Iterable[Panel]) -> None:
    """The grid of each panel, and its lines at 0."""
    for panel in panels:
        if panel.x.axis.visible and panel.y.axis.visible:
            _grid(sheet, panel, panel.x, panel.y)
            _grid(sheet, panel, panel.y, panel.x)


def _grid(sheet: Sheet, panel: Panel, scale: Scale, other: Scale) -> None:
    options = scale.axis.options
    places = [tick.at for tick in ticks(scale.axis, abs(scale.length))] if options.get("showgrid", True) else []
    lines = [(place, options.get("gridcolor", "#eeeeee"), HAIR) for place in places]
    if options.get("zeroline") and scale.axis.kind == "linear" and scale.axis.low < 0 < scale.axis.high:
        lines.append((0.0, options.get("zerolinecolor", "#444444"), LINE))
    for place, colour, width in lines:
        at, ends = float(scale.at(place)), (other.start, other.end)
        way = [(at, end) if scale is panel.x else (end, at) for end in ends]
        sheet.line(way, rgba(colour), width, z=GRID)


def draw_axes(sheet: Sheet, scales: Mapping[str, Scale], ink: str) -> None:
    """Lines, ticks, labels and titles; titles of axes above each other stand on one line."""
    rulers = {name: ruler(scale, sheet.fonts, sheet.width) for name, scale in scales.items() if scale.axis.visible}
    deepest: dict[tuple[str, float], float] = {}
    for name, of in rulers.items():
        edge = _edge(scales, name)
        if edge is not None:
            deepest[name[0], edge] = max(deepest.get((name[0], edge), 0.0), of.depth(scales[name]))
    for name, of in rulers.items():
        edge = _edge(scales, name)
        if edge is None:
            raise ValueError(f"axis {name} is anchored to {scales[name].axis.anchor!r}, on which nothing is drawn")
        _draw_axis(sheet, scales[name], of, edge, ink=ink, depth=deepest[name[0], edge])


def _edge(scales: Mapping[str, Scale], name: str) -> float | None:
    """Where an axis stands: at the lower or left end of the one that it is anchored to."""
    other = scales.get(scales[name].axis.anchor)
    return None if other is None else other.start


def _draw_axis(sheet: Sheet, scale: Scale, of: Ruler, edge: float, *, ink: str, depth: float) -> None:
    options, horizontal = scale.axis.options, scale.axis.id[0] == "x"
    colour = rgba(options.get("linecolor", "#444444"))
    if options.get("showline"):
        sheet.line([_at(horizontal, end, edge) for end in (scale.start, scale.end)], colour, LINE, z=FRONT)
    marks = float(options.get("minor", {}).get("ticklen", 5))
    for place in minor(scale.axis):
        at = float(scale.at(place))
        sheet.line([_at(horizontal, at, edge), _at(horizontal, at, edge - marks)], colour, HAIR, z=FRONT)
    for tick, shown in of.labels:
        x, y = _at(horizontal, float(scale.at(tick.at)), edge - NEAR)
        if horizontal and of.turned:
            sheet.write(shown, x, y, across="right", up="middle", colour=ink, turned=True)
        elif horizontal:
            sheet.write(shown, x, y, across="center", up="top", colour=ink)
        else:
            sheet.write(shown, x, y, across="right", up="middle", colour=ink)
    title = _title(scale, sheet.fonts)
    if title:
        x, y = _at(horizontal, (scale.start + scale.end) / 2, edge - depth - (NEAR if depth else 0.0) - TITLE_GAP)
        up = "top" if horizontal else "bottom"
        sheet.write(title, x, y, across="center", up=up, colour=ink, turned=not horizontal)


def _at(horizontal: bool, along: float, beside: float) -> tuple[float, float]:
    return (along, beside) if horizontal else (beside, along)

"""Lines, marks, bars of errors, bands and words."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from grokscope.report.static.colours import Rgba, rgba
from grokscope.report.static.known import one_of
from grokscope.report.static.looks import sparse
from grokscope.report.static.scale import Panel, mode_of, numeric
from grokscope.report.static.sheet import AREA, FRONT, Across, Points, Sheet
from grokscope.report.static.text import SIZE, block
from grokscope.report.static.traces.style import Style, style

SHAPES = {"linear": False, "hv": True}
FILLS = {"none": False, "toself": True}
MODES = dict.fromkeys(("lines", "markers", "text", "none"))
# Plotly's textposition: where the words stand; and from there the end of the text that is at the point.
ROWS = {"top": "bottom", "middle": "middle", "bottom": "top"}
SIDES: dict[str, Across] = {"left": "right", "center": "center", "right": "left"}
WORD_GAP = 2.0  # pixels between a mark and the words beside it


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """A scatter trace on its way to the sheet. points: in pixels, NaN where a point has no place. gid: of its parts."""

    sheet: Sheet
    trace: dict[str, Any]
    panel: Panel
    points: Points
    look: Style
    gid: str


def draw(sheet: Sheet, trace: dict[str, Any], panel: Panel, *, gid: str) -> None:
    """Its band, its line, its bars of errors, its marks, its words."""
    parts = mode_of(trace).split("+")
    for part in parts:
        one_of("the mode of a scatter trace", part, MODES)
    points = np.stack([panel.x(trace["x"]), panel.y(trace["y"])], axis=1)
    curve = Curve(sheet=sheet, trace=trace, panel=panel, points=points, look=style(trace), gid=gid)
    if one_of("the fill of a scatter trace", trace.get("fill", "none"), FILLS):
        _fill(curve)
    if curve.look.line is not None:
        _line(curve, curve.look.line)
    if trace.get("error_y"):
        _errors(curve)
    if curve.look.symbols:
        _marks(curve)
    if "text" in parts:
        _words(curve)


def _fill(of: Curve) -> None:
    known = of.points[np.isfinite(of.points).all(1)]
    opacity = float(of.trace.get("opacity", 1.0))
    colour = rgba(of.trace["fillcolor"], opacity) if "fillcolor" in of.trace else _paler(of.look)
    of.sheet.area(known, colour, clip=of.panel.box, gid=f"{of.gid}-fill")


def _paler(look: Style) -> Rgba:
    """Plotly's fill where none is named: the line's colour, half as strong."""
    red, green, blue, alpha = look.line or look.colours[0]
    return red, green, blue, alpha / 2


def _line(of: Curve, colour: Rgba) -> None:
    """The line, and the symbols along it that tell it apart."""
    stepped = one_of("the shape of a line", (of.trace.get("line") or {}).get("shape", "linear"), SHAPES)
    way = _staircase(of.points) if stepped else of.points
    of.sheet.line(way, colour, of.look.width, dash=of.look.dash, clip=of.panel.box, gid=of.gid)
    if of.look.symbol:
        chosen = sparse(of.points[of.panel.box.holds(of.points)], turn=int(of.trace["number"]))
        of.sheet.marks(chosen, **of.look.along(len(chosen)), gid=f"{of.gid}-look")


def _staircase(points: Points) -> Points:
    """With a corner between each two points: first across, then up or down."""
    corners = np.stack([points[1:, 0], points[:-1, 1]], axis=1)
    return np.insert(points, np.arange(1, len(points)), corners, axis=0)


def _marks(of: Curve) -> None:
    """A mark within the panel is drawn whole, also at its edge; others are not seen, as on the page."""
    known: Any = np.isfinite(of.points).all(axis=1)
    if of.trace.get("cliponaxis", True):
        known &= of.panel.box.holds(of.points)
    of.sheet.marks(of.points[known], **of.look.marks(np.flatnonzero(known).tolist()), gid=f"{of.gid}-marks")


def _errors(of: Curve) -> None:
    """Upright bars with a cap at both ends."""
    bars, panel = of.trace["error_y"], of.panel
    one_of("the type of error_y", bars.get("type", "data"), {"data": True})
    colour = rgba(bars["color"]) if "color" in bars else of.look.colours[0]
    above = numeric(bars["array"])
    below = numeric(bars.get("arrayminus", above)) if bars.get("symmetric") is False else above
    values, cap = numeric(of.trace["y"]), float(bars.get("width", 5))
    tops, feet = panel.y(values + above), panel.y(values - below)
    feet = np.where(np.isnan(feet) & np.isfinite(tops), panel.y.start, feet)  # down to 0 on a logarithmic axis
    for (x, _), top, foot in zip(of.points, tops, feet, strict=True):
        if np.isfinite([x, top, foot]).all() and top != foot:
            way = [(x - cap, top), (x + cap, top), (np.nan, np.nan), (x, top), (x, foot), (np.nan, np.nan)]
            way += [(x - cap, foot), (x + cap, foot)]
            of.sheet.line(way, colour, float(bars.get("thickness", 2)), clip=panel.box, z=AREA + 0.5)


def _words(of: Curve) -> None:
    font, n = of.trace.get("textfont") or {}, len(of.points)
    texts = [of.trace["text"]] * n if isinstance(of.trace["text"], str) else list(of.trace["text"])
    given = of.trace.get("textposition", "middle center")
    positions = [given] * n if isinstance(given, str) else list(given)
    for at, (place, words, position) in enumerate(zip(of.points.tolist(), texts, positions, strict=False)):
        if not words or not np.isfinite(place).all():
            continue
        row, side = position.split()
        beside = (of.look.sizes[at] / 2 if of.look.symbols else 0.0) + WORD_GAP
        x = place[0] + {"left": -beside, "center": 0.0, "right": beside}[side]
        y = place[1] + {"top": beside, "middle": 0.0, "bottom": -beside}[row]
        shown = block(str(words), of.sheet.fonts, float(font.get("size", SIZE)))
        ink = font.get("color", of.trace["ink"])
        of.sheet.write(shown, x, y, across=SIDES[side], up=ROWS[row], colour=ink, z=FRONT + 1)

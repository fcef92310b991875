"""Shapes and annotations."""

import math
from typing import Any

import numpy as np

from grokscope.report.page import theme
from grokscope.report.static.colours import rgba
from grokscope.report.static.known import one_of
from grokscope.report.static.place import Place
from grokscope.report.static.sheet import BACK, FRONT, Across, Box, Sheet
from grokscope.report.static.text import SIZE, Block, block

LAYERS = {"above": FRONT, "below": BACK}
UP = {"top": "top", "middle": "middle", "bottom": "bottom"}
ACROSS: dict[str, Across] = {"left": "left", "center": "center", "right": "right"}
# Areas of this colour are hatched: no grey tells them apart from green ones, which say the opposite of a claim.
HATCHED = theme.ORANGE
HATCH, HATCH_STEP, HATCH_OPACITY = 0.7, 7.0, 0.4  # pixels of a line and from line to line; how strong it is
EDGE = 4.0  # pixels from the edge of the sheet that text keeps
PAD = 2.0  # pixels between the place of a text and its edge


def draw_shape(sheet: Sheet, shape: dict[str, Any], place: Place, gid: str) -> None:
    """A rectangle or a line, cut off at the ends of the axes that it refers to."""
    x = [_value(place, shape, "x", end) for end in ("x0", "x1")]
    y = [_value(place, shape, "y", end) for end in ("y0", "y1")]
    z = one_of("the layer of a shape", shape.get("layer", "above"), LAYERS)
    opacity, line = float(shape.get("opacity", 1.0)), shape.get("line") or {}
    clip = _clip(sheet, shape, place)
    filled = one_of("the type of a shape", shape.get("type"), {"rect": True, "line": False})
    if filled and shape.get("fillcolor"):
        corners = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]
        sheet.area(corners, rgba(shape["fillcolor"], opacity), z=z, clip=clip, gid=gid)
        if shape["fillcolor"] == HATCHED:
            seen = Box(max(clip.left, min(x)), max(clip.bottom, min(y)), min(clip.right, max(x)), min(clip.top, max(y)))
            sheet.line(_hatch(seen), rgba(HATCHED, HATCH_OPACITY), HATCH, z=z + 0.1, clip=seen, gid=f"{gid}-hatch")
    width = float(line.get("width", 2))
    if width:
        way = (
            [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1]), (x[0], y[0])] if filled else zip(x, y, strict=True)
        )
        colour = rgba(line.get("color", "#444444"), opacity)
        sheet.line(list(way), colour, width, dash=line.get("dash", "solid"), z=z + 0.2, clip=clip, gid=gid)


def _hatch(box: Box) -> list[tuple[float, float]]:
    """Slanted lines over a box, upwards to the right, with a gap after each."""
    rise, none = box.top - box.bottom, (math.nan, math.nan)
    starts = np.arange(box.left - rise + HATCH_STEP / 2, box.right, HATCH_STEP).tolist()
    return [point for x in starts for point in ((x, box.bottom), (x + rise, box.top), none)]


def _value(place: Place, shape: dict[str, Any], letter: str, end: str) -> float:
    """The pixel of an end; on a logarithmic axis shapes are given by the number itself."""
    ref, value = shape.get(f"{letter}ref", letter), shape[end]
    if ref in place.scales:
        value = place.scales[ref].axis.places([value])[0]
    return place.pixel(letter, ref, value)


def _clip(sheet: Sheet, shape: dict[str, Any], place: Place) -> Box:
    ends = [0.0, 0.0, sheet.width, sheet.height]
    for letter, low in (("x", 0), ("y", 1)):
        scale = place.scales.get(str(shape.get(f"{letter}ref", letter)).partition(" ")[0])
        if scale is not None:
            ends[low], ends[low + 2] = scale.start, scale.end
    return Box(*ends)


def draw_annotation(sheet: Sheet, mark: dict[str, Any], place: Place, ink: str) -> None:
    """Text at a place; it is drawn smaller or on more lines where the sheet ends."""
    if mark.get("showarrow", True):
        raise ValueError("an annotation has an arrow, which a figure on paper does not draw; write .html instead")
    x = place.pixel("x", mark.get("xref", "x"), mark["x"]) + float(mark.get("xshift", 0))
    y = place.pixel("y", mark.get("yref", "y"), mark["y"]) + float(mark.get("yshift", 0))
    across = one_of("the xanchor of an annotation", mark.get("xanchor", "center"), ACROSS)
    up = one_of("the yanchor of an annotation", mark.get("yanchor", "middle"), UP)
    font = mark.get("font") or {}
    y += {"top": -PAD, "middle": 0.0, "bottom": PAD}[up]
    shown = _fitted(sheet, str(mark.get("text", "")), float(font.get("size", SIZE)), x, across)
    sheet.write(shown, x, y, across=across, up=up, colour=font.get("color", ink))


def _fitted(sheet: Sheet, words: str, size: float, x: float, across: Across) -> Block:
    left, right = x - EDGE, sheet.width - EDGE - x
    room = {"left": right, "right": left, "center": 2 * min(left, right)}[across]
    return block(words, sheet.fonts, size, room=room if room > 0.25 * sheet.width else None)

"""The bar beside or above a heat map that says which number has which colour."""

from typing import Any

import numpy as np

from grokscope.report.static.colours import along
from grokscope.report.static.known import one_of
from grokscope.report.static.place import Place
from grokscope.report.static.scale import Axis, Scale
from grokscope.report.static.sheet import Box, Sheet
from grokscope.report.static.text import SIZE, block
from grokscope.report.static.ticks import ticks
from grokscope.report.static.traces.heatmap import span

STEPS = 128  # colours of the bar
LABEL, GAP, PAD = 12.0, 4.0, 10.0  # pixels: the size of a label, from the bar to it, and around all (plotly.js: 10)
ENDS = {"left": 0.0, "center": 0.5, "right": 1.0, "bottom": 0.0, "middle": 0.5, "top": 1.0}


def draw_bar(sheet: Sheet, trace: dict[str, Any], place: Place) -> None:
    """Upright at the right of all panels, or level above them."""
    bar = trace.get("colorbar") or {}
    level = one_of("the orientation of a colour bar", bar.get("orientation", "v"), {"h": True, "v": False})
    (_level if level else _upright)(sheet, trace, bar, place)


def _upright(sheet: Sheet, trace: dict[str, Any], bar: dict[str, Any], place: Place) -> None:
    """At 1.02 of the width, as plotly.js places it."""
    one_of("the place of an upright colour bar", bar.get("x"), {None: True})
    x, foot = place.across(1.0) + 0.02 * (place.across(1.0) - place.across(0.0)), place.up(0.0)
    length = (place.up(1.0) - foot) * float(bar.get("len", 1.0))
    box = Box(x, foot, x + float(bar.get("thickness", 30)), foot + length)
    scale = _fill(sheet, trace, box, "y")
    widest = 0.0
    for tick in ticks(scale.axis, length):
        shown = block(tick.label, sheet.fonts, LABEL)
        widest = max(widest, shown.width)
        sheet.write(shown, box.right + GAP, float(scale.at(tick.at)), up="middle", colour=trace["ink"])
    title = (bar.get("title") or {}).get("text")
    if title:
        one_of("the side of the title of an upright colour bar", bar["title"].get("side", "top"), {"right": True})
        shown = block(title, sheet.fonts, SIZE, room=length)
        at = box.right + 2 * GAP + widest, foot + length / 2
        sheet.write(shown, *at, across="center", up="top", turned=True, colour=trace["ink"])


def _level(sheet: Sheet, trace: dict[str, Any], bar: dict[str, Any], place: Place) -> None:
    """Its labels below it, its title above."""
    left = place.across(float(bar.get("x", 0.5)))
    length = (place.across(1.0) - place.across(0.0)) * float(bar.get("len", 1.0))
    left -= one_of("the xanchor of a colour bar", bar.get("xanchor", "center"), ENDS) * length
    one_of("the yanchor of a level colour bar", bar.get("yanchor", "bottom"), {"bottom": True})
    labels = block("0", sheet.fonts, LABEL).height
    foot = place.up(float(bar.get("y", 1.0))) + PAD + labels
    box = Box(left, foot, left + length, foot + float(bar.get("thickness", 30)))
    scale = _fill(sheet, trace, box, "x")
    for tick in ticks(scale.axis, length):
        shown = block(tick.label, sheet.fonts, LABEL)
        sheet.write(shown, float(scale.at(tick.at)), foot - GAP / 2, across="center", colour=trace["ink"])
    title = (bar.get("title") or {}).get("text")
    if title:
        one_of("the side of the title of a level colour bar", bar["title"].get("side", "top"), {"top": True})
        sheet.write(block(title, sheet.fonts, SIZE), left, box.top + GAP, up="bottom", colour=trace["ink"])


def _fill(sheet: Sheet, trace: dict[str, Any], box: Box, letter: str) -> Scale:
    """Draws the colours; returns the scale along them."""
    low, high = span(trace)
    colours = along(trace.get("colorscale", "Viridis"), np.linspace(low, high, STEPS), low, high)
    sheet.image(box, colours[None] if letter == "x" else colours[:, None])
    sheet.needs.append(box)
    bar = trace.get("colorbar") or {}
    options = {name: bar[name] for name in ("nticks", "tickvals", "ticktext") if name in bar}
    axis = Axis(id=letter, options=options, kind="linear", low=low, high=high)
    start, end = (box.left, box.right) if letter == "x" else (box.bottom, box.top)
    return Scale(axis=axis, start=start, end=end)

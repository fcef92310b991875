"""Cells in colours, with their words, and the bar of the colours."""

from typing import Any

import numpy as np

from grokscope.report.static.colours import along, ink_on
from grokscope.report.static.known import one_of
from grokscope.report.static.scale import Panel, edges, numeric
from grokscope.report.static.sheet import Box, Sheet
from grokscope.report.static.text import SIZE, block

MANY = 2_000  # cells: from there on equal cells are one image, which keeps the file small
LEAST = 0.6  # of their size: words in cells that are too narrow even so are an error
MARGIN = 3.0  # pixels between a word and the edges of its cell
TEMPLATES = {None: False, "%{text}": True}


def draw(sheet: Sheet, trace: dict[str, Any], panel: Panel, *, gid: str) -> None:
    """One cell a number; None has no colour."""
    z = np.array([numeric(row) for row in trace["z"]])
    low, high = span(trace)
    colours = along(trace["colorscale"], z, low, high)
    colours[~np.isfinite(z)] = 0.0
    colours[..., 3] *= float(trace.get("opacity", 1.0))
    across = panel.x.at(panel.x.axis.places(edges(trace, "x")))
    up = panel.y.at(panel.y.axis.places(edges(trace, "y")))
    gaps = float(trace.get("xgap", 0)), float(trace.get("ygap", 0))
    if z.size > MANY and not any(gaps) and _equal(across) and _equal(up):
        sheet.image(Box(across[0], up[0], across[-1], up[-1]), colours, gid=gid)
    else:
        shown = [(row, column) for row, column in np.ndindex(z.shape) if np.isfinite(z[row, column])]
        boxes = [_cell(across, up, place, gaps) for place in shown]
        if boxes:
            sheet.cells(boxes, [tuple(colours[place]) for place in shown], clip=panel.box, gid=gid)
    if one_of("the texttemplate of a heat map", trace.get("texttemplate"), TEMPLATES):
        _words(sheet, trace, (across, up), colours, z)


def span(trace: dict[str, Any]) -> tuple[float, float]:
    """The numbers at the two ends of the scale."""
    known = np.concatenate([numeric(row) for row in trace["z"]])
    known = known[np.isfinite(known)]
    ends = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    low, high = float(trace.get("zmin", ends[0])), float(trace.get("zmax", ends[1]))
    return (low, high) if high > low else (low - 0.5, high + 0.5)  # as plotly.js


def _equal(places: np.ndarray) -> bool:
    steps = np.diff(places)
    return bool(np.ptp(steps) < 1e-6 * abs(steps).max())


def _cell(across: np.ndarray, up: np.ndarray, place: tuple[int, ...], gaps: tuple[float, float]) -> Box:
    row, column = place
    left, right = sorted((across[column], across[column + 1]))
    bottom, top = sorted((up[row], up[row + 1]))
    x, y = gaps[0] / 2, gaps[1] / 2
    return Box(left + x, bottom + y, right - x, top - y)


def _words(
    sheet: Sheet, trace: dict[str, Any], places: tuple[np.ndarray, np.ndarray], colours: np.ndarray, z: np.ndarray
) -> None:
    """The words of each cell, all of one size; smaller where the cells are narrow."""
    cells = [
        (str(words), _cell(*places, (row, column), (0.0, 0.0)), colours[row, column], z[row, column])
        for row, line in enumerate(trace["text"])
        for column, words in enumerate(line)
        if words
    ]
    blocks = [block(words, sheet.fonts) for words, *_ in cells]
    shares = [
        min((box.right - box.left - MARGIN) / shown.width, (box.top - box.bottom) / shown.height)
        for shown, (_, box, *_) in zip(blocks, cells, strict=True)
    ]
    share = min([1.0, *shares])
    if share < LEAST:
        raise ValueError(
            f"the numbers of this heat map do not fit its cells: {share:.0%} of their size is left; take a larger width"
        )
    for words, box, colour, value in cells:
        ink = ink_on(tuple(colour)) if np.isfinite(value) else trace["ink"]
        shown = block(words, sheet.fonts, SIZE * share)
        sheet.write(
            shown, (box.left + box.right) / 2, (box.bottom + box.top) / 2, across="center", up="middle", colour=ink
        )

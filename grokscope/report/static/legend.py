"""The legend: samples of the traces with their names, in rows above the panels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from grokscope.report.static.known import one_of
from grokscope.report.static.sheet import Box, Sheet
from grokscope.report.static.text import SIZE, Block, block
from grokscope.report.static.traces.style import Style, style

SAMPLE, GAP, APART, ROW = 28.0, 5.0, 16.0, 6.0  # pixels: a sample, to its name, to the next entry, between two rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """A sample and its name."""

    style: Style
    name: Block

    @property
    def width(self) -> float:
        return SAMPLE + GAP + self.name.width


def entries(traces: list[dict[str, Any]], shown: bool | None) -> list[dict[str, Any]]:
    """The traces that the legend names, those of a group together. shown: as the layout says; without a word of it
    there is a legend from two traces on, or where a trace asks for it."""
    named = [trace for trace in traces if trace["type"] != "heatmap" and trace.get("showlegend", True)]
    if shown is False or (shown is None and len(named) < 2 and not any(trace.get("showlegend") for trace in named)):
        return []
    order: dict[str, list[dict[str, Any]]] = {}
    for number, trace in enumerate(named):
        order.setdefault(trace.get("legendgroup") or f"\n{number}", []).append(trace)
    return [trace for group in order.values() for trace in group]


def draw_legend(sheet: Sheet, listed: list[dict[str, Any]], options: dict[str, Any], box: Box) -> None:
    """Rows from the left end of the panels to the edge of the sheet; the lowest one stands at the legend's place."""
    one_of("the orientation of the legend", options.get("orientation", "v"), {"h": True})
    one_of("legend.x", options.get("x", 1.02), {0: True})
    one_of("legend.yanchor", options.get("yanchor", "auto"), {"bottom": True})
    font = options.get("font") or {}
    size, colour = float(font.get("size", SIZE)), font.get("color", listed[0]["ink"])
    room = sheet.width - box.left - 4
    made = [
        Entry(
            style=style(trace),
            name=block(trace.get("name") or "", sheet.fonts, size, room=room - SAMPLE - GAP),
        )
        for trace in listed
    ]
    y = box.bottom + float(options.get("y", 1.0)) * (box.top - box.bottom) + 4
    for row in reversed(_rows(made, room)):
        height = max(entry.name.height for entry in row)
        x = box.left
        for entry in row:
            _sample(sheet, entry.style, x, y + height / 2)
            sheet.write(entry.name, x + SAMPLE + GAP, y + height / 2, up="middle", colour=colour)
            x += entry.width + APART
        y += height + ROW


def _rows(made: list[Entry], room: float) -> list[list[Entry]]:
    rows: list[list[Entry]] = [[]]
    for entry in made:
        taken = sum(before.width + APART for before in rows[-1])
        if rows[-1] and taken + entry.width > room:
            rows.append([])
        rows[-1].append(entry)
    return rows


def _sample(sheet: Sheet, look: Style, x: float, y: float) -> None:
    if look.line is not None:
        sheet.line([(x, y), (x + SAMPLE, y)], look.line, look.width, dash=look.dash)
    middle = np.array([[x + SAMPLE / 2, y]])
    if look.symbols:
        sheet.marks(middle, **look.marks([0]))
    elif look.symbol:
        sheet.marks(middle, **look.along(1))

"""A Plotly figure on a sheet of paper: rehearsed until all of it lies on the sheet, then drawn."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from grokscope.report.static.colourbar import draw_bar
from grokscope.report.static.fonts import Fonts, fonts_for, no_warning_of_glyphs
from grokscope.report.static.legend import draw_legend, entries
from grokscope.report.static.looks import looks
from grokscope.report.static.marks import draw_annotation, draw_shape
from grokscope.report.static.place import Place, Size, place
from grokscope.report.static.rulers import draw_axes, draw_grids
from grokscope.report.static.scale import axes_of, pairs
from grokscope.report.static.sheet import Sheet
from grokscope.report.static.still import Still, still
from grokscope.report.static.text import block, plain
from grokscope.report.static.traces import bar, heatmap, scatter

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

REHEARSALS, SETTLED = 8, 0.1  # at most; pixels that no longer matter
EDGE = 4.0  # pixels around everything
SIDES = {"l": "left", "b": "bottom", "r": "right", "t": "top"}
MOMENT = 12.0  # pixels: the size of the words that say which step is shown
ORDER = {"heatmap": 0, "bar": 1, "scatter": 2}  # what lies over what (plotly.js)


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """A figure that has been rehearsed: what it shows, in which fonts, and where."""

    shown: Still
    fonts: Fonts
    place: Place

    def draw(self, axes: Axes, **options: Any) -> None:
        """axes: of matplotlib, as large as the place, whose data are pixels. options: of `Sheet`."""
        with no_warning_of_glyphs():
            _draw(Sheet(self.place.width, self.place.height, self.fonts, axes, **options), self.shown, self.place)


def plan(figure: "Figure", width: float, step: int | None = None, height: float | None = None) -> Plan:
    """width, height: of the sheet in pixels; by default as high as the figure says. step: of the slider; by default the
    one that the figure shows."""
    shown = still(figure, step)
    fonts, axes = fonts_for(words(shown)), axes_of(shown)
    margins = {side: float(shown.layout.get("margin", {}).get(side, 80)) for side in SIDES}
    with no_warning_of_glyphs():
        for rehearsal in range(REHEARSALS):
            at = place(shown, axes, margins, Size(width=width, height=height), fonts)
            sheet = Sheet(at.width, at.height, fonts)
            _draw(sheet, shown, at)
            over = sheet.overhang()._asdict()
            moved = {side: over[name] + EDGE for side, name in SIDES.items()}
            if rehearsal > REHEARSALS // 2:  # a label that comes and goes must not go on for ever
                moved = {side: max(by, 0.0) for side, by in moved.items()}
            # Squares stand in the middle of their room, which may be free at the edges: it is no margin to be taken.
            wanted = {side: max(margins[side] + by, EDGE) for side, by in moved.items()}
            if max(abs(wanted[side] - margins[side]) for side in SIDES) < SETTLED:
                break
            margins = wanted
        at = place(shown, axes, margins, Size(width=width, height=height), fonts)
    if height is not None and sheet.overlaps():
        raise ValueError("words of this figure lie over each other at this height; take a larger height")
    return Plan(shown=shown, fonts=fonts, place=at)


def _draw(sheet: Sheet, shown: Still, at: Place) -> None:
    layout, ink = shown.layout, (shown.layout.get("font") or {}).get("color", "#000000")
    listed = list(_traces(shown, ink))
    panels = [at.panel(*pair) for pair in pairs(shown)]
    for panel in panels:
        sheet.needs.append(panel.box)
    draw_grids(sheet, panels)
    for number, shape in enumerate(layout.get("shapes", ())):
        draw_shape(sheet, shape, at, f"shape-{number}")
    for trace in sorted(listed, key=lambda trace: ORDER[trace["type"]]):
        _trace(sheet, trace, at, layout)
    draw_axes(sheet, at.scales, ink)
    named = entries(listed, layout.get("showlegend"))
    if named:
        draw_legend(sheet, named, layout.get("legend") or {}, at.paper)
    for mark in layout.get("annotations", ()):
        draw_annotation(sheet, mark, at, ink)
    if shown.moment:
        _moment(sheet, shown.moment, ink)


def _traces(shown: Still, ink: str) -> Iterator[dict[str, Any]]:
    """The traces with what their drawing needs beside them: number, symbol where it needs one, and ink."""
    symbols = looks(shown)
    for number, trace in enumerate(shown.traces):
        yield trace | {"number": number, "symbol": symbols.get(number, ""), "ink": ink}


def _trace(sheet: Sheet, trace: dict[str, Any], at: Place, layout: Mapping[str, Any]) -> None:
    panel, gid = at.panel(trace.get("xaxis", "x"), trace.get("yaxis", "y")), f"trace-{trace['number']}"
    if trace["type"] == "scatter":
        scatter.draw(sheet, trace, panel, gid=gid)
    elif trace["type"] == "bar":
        bar.draw(sheet, trace, panel, gap=float(layout.get("bargap", 0.2)), gid=gid)
    else:
        heatmap.draw(sheet, trace, panel, gid=gid)
        if trace.get("showscale", True):
            draw_bar(sheet, trace, at)


def _moment(sheet: Sheet, said: str, ink: str) -> None:
    """The step that is shown, below everything at the left."""
    left, bottom = min(box.left for box in sheet.needs), min(box.bottom for box in sheet.needs)
    sheet.write(block(said, sheet.fonts, MOMENT), left, bottom - 4, colour=ink)


def words(shown: Still) -> Iterator[str]:
    """Every text of a figure, and those that it writes by itself."""
    yield "0123456789,.−%×⁰¹²³⁴⁵⁶⁷⁸⁹⁻ \ufffd"
    yield shown.moment
    for trace in shown.traces:
        yield plain(str(trace.get("name") or ""))
        yield from _texts(trace.get("text"))
        yield from _texts((trace.get("colorbar") or {}).get("title"))
        yield from _texts((trace.get("colorbar") or {}).get("ticktext"))
        yield from (
            text for letter in "xy" if not hasattr(trace.get(letter), "dtype") for text in _texts(trace.get(letter))
        )
    for name, part in shown.layout.items():
        if name.startswith(("xaxis", "yaxis")):
            yield from _texts(part.get("title"))
            yield from _texts(part.get("ticktext"))
    for mark in shown.layout.get("annotations", ()):
        yield from _texts(mark.get("text"))


def _texts(part: Any) -> Iterator[str]:
    """The texts in a text, a list or a mapping."""
    if isinstance(part, str):
        yield plain(part)
    elif isinstance(part, Mapping):
        for each in part.values():
            yield from _texts(each)
    elif isinstance(part, list | tuple):
        for each in part:
            yield from _texts(each)

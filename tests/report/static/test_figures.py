"""Every figure of the reports on paper: all points and words are there, no word is cut or hidden, at two widths."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from grokscope.report.static.files import pdf, png, sheet, svg
from grokscope.report.static.looks import has_points, looks, style_of
from grokscope.report.static.scale import axes_of
from grokscope.report.static.still import still
from grokscope.report.static.write import WIDTHS
from grokscope.runs.run import Run
from tests.report.static.measuring import (
    ALL,
    boxes_of,
    finite,
    marks_of,
    overlapping,
    plotly_figure,
    squeezed,
    texts_of,
)  # fmt: skip

pytestmark = pytest.mark.parametrize("name", ALL)


@cache
def on_page(name: str, run: Run) -> bytes:
    return svg(plotly_figure(name, run))


def in_view(figure: Any, trace: Any) -> int:
    """The points of a trace within the ranges of its axes, as the figure says; ranges that are not set hold all."""
    places = []
    for letter in "xy":
        number = (getattr(trace, f"{letter}axis") or letter)[1:]
        axis = getattr(figure.layout, f"{letter}axis{number}")
        values = finite(getattr(trace, letter))
        if axis.type == "log":
            values = np.log10(np.where(values > 0, values, np.nan))
        low, high = axis.range or (-np.inf, np.inf)
        if trace.cliponaxis is not False:
            values = np.where((values < low - 1e-9) | (values > high + 1e-9), np.nan, values)
        places.append(values)
    return int(np.isfinite(places).all(axis=0).sum())


def test_it_has_every_mark_and_every_line(name: str, measured_run: Run) -> None:
    figure = plotly_figure(name, measured_run)
    shown = [trace for trace in figure.data if trace.visible is not False and trace.visible != "legendonly"]
    made = on_page(name, measured_run)
    expected = {
        f"trace-{number}-marks": in_view(figure, trace)
        for number, trace in enumerate(shown)
        if trace.type == "scatter" and "markers" in trace.mode
    }
    assert marks_of(made) == {name: n for name, n in expected.items() if n}
    lines = {
        f'"trace-{number}"'
        for number, trace in enumerate(shown)
        if trace.type != "scatter" or ("lines" in trace.mode and trace.line.width != 0 and len(finite(trace.y)) > 1)
    }
    assert {line for line in lines if f"id={line}" not in made.decode()} == set()


def test_its_words_are_all_there(name: str, measured_run: Run) -> None:
    figure = plotly_figure(name, measured_run)
    words = texts_of(on_page(name, measured_run))
    layout = figure.layout
    axes = [axis for key, axis in layout.to_plotly_json().items() if key.startswith(("xaxis", "yaxis"))]
    titles = [axis["title"]["text"] for axis in axes if axis.get("visible", True) and axis.get("title")]
    listed = [trace.name for trace in figure.data if trace.name and trace.showlegend and trace.visible != "legendonly"]
    bars = [trace.colorbar for trace in figure.data if trace.type == "heatmap" and trace.showscale is not False]
    beside = [text for bar in bars for text in (bar.title.text, *(bar.ticktext or ())) if text]
    for text in [*titles, *listed, *beside, *(mark.text for mark in layout.annotations)]:
        assert squeezed(text) in words


@pytest.mark.parametrize(("lang", "width"), [("en", "page"), ("en", "column"), ("zh", "column")])
@pytest.mark.usefixtures("chinese")
def test_no_word_is_cut_and_none_hides_another(name: str, lang: Any, width: str, measured_run: Run) -> None:
    made, lacking = sheet(plotly_figure(name, measured_run, lang), width=WIDTHS[width])
    assert not lacking
    boxes = boxes_of(made)
    right, top = made.get_size_inches() * 72
    assert right == pytest.approx(72 * WIDTHS[width])
    assert [text for text, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > right or box.y1 > top] == []
    assert overlapping(boxes) == []


def test_it_is_a_pdf_with_its_fonts_and_a_picture_of_300_dots_an_inch(name: str, measured_run: Run) -> None:
    figure = plotly_figure(name, measured_run)
    made = pdf(figure, width=3.25)
    assert made.startswith(b"%PDF-")
    assert b"/FontFile2" in made  # TrueType, as it is
    assert b"/Type3" not in made
    picture = png(figure, width=3.25)
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20], "big") == 975


def test_two_curves_of_a_panel_differ_without_colour(name: str, measured_run: Run) -> None:
    """By kind of line, width, or mark; of curves that the legend names."""
    shown = still(plotly_figure(name, measured_run))
    chosen = looks(shown)
    seen: dict[Any, str] = {}
    for number, trace in enumerate(shown.traces):
        group = trace.get("legendgroup") or trace.get("name")
        if trace["type"] != "scatter" or not trace.get("showlegend", True) or not group or not has_points(trace):
            continue
        if "text" in trace["mode"]:
            continue
        key = trace.get("xaxis", "x"), trace.get("yaxis", "y"), style_of(trace, chosen.get(number, ""))
        assert seen.setdefault(key, group) == group


def test_axes_keep_the_ranges_that_the_figure_sets(name: str, measured_run: Run) -> None:
    figure = plotly_figure(name, measured_run)
    for axis in axes_of(still(figure)).values():
        given = getattr(figure.layout, f"{axis.id[0]}axis{axis.id[1:]}").range
        assert given is None or (axis.low, axis.high) == tuple(given)


def test_the_same_figure_gives_the_same_bytes(name: str, measured_run: Run) -> None:
    assert svg(plotly_figure(name, measured_run)) == on_page(name, measured_run)

"""Where a point, a bar, a cell and a tick stand, by hand; what is unknown is an error that names it."""

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.lines import Line2D

from grokscope.report.page import theme
from grokscope.report.static.colours import along, ink_on, rgba
from grokscope.report.static.files import pdf, sheet, svg
from grokscope.report.static.scale import Axis, axes_of, edges
from grokscope.report.static.space import gaps, space, tracks
from grokscope.report.static.still import still
from grokscope.report.static.ticks import formatted, power, ticks


def drawn(drawing: Any) -> Any:
    """A figure as matplotlib's."""
    return sheet(drawing)[0]


def part(drawn: Any, kind: Any, gid: str) -> Any:
    (found,) = [artist for artist in drawn.findobj(kind) if artist.get_gid() == gid]
    return found


def figure(*traces: Any, **layout: Any) -> Any:
    return theme.blank(400, **layout).add_traces(traces)


def test_points_lie_at_their_shares_of_linear_and_logarithmic_axes() -> None:
    drawing = figure(
        go.Scatter(x=[1, 10, 100, 1000], y=[0, 1, None, 4], mode="lines+markers"),
        xaxis={"type": "log", "range": [0, 3]}, yaxis={"range": [0, 4]},
    )  # fmt: skip
    made = drawn(drawing)
    x, y = part(made, Line2D, "trace-0").get_data()
    assert np.diff(x) == pytest.approx([np.diff(x)[0]] * 3)  # powers of ten are equally far apart
    assert math.isnan(y[2])
    assert (y[1] - y[0]) / (y[3] - y[0]) == pytest.approx(1 / 4)
    marks = part(made, PathCollection, "trace-0-marks").get_offsets()
    assert marks.tolist() == [[x[at], y[at]] for at in (0, 1, 3)]


def test_what_has_no_place_on_a_logarithmic_axis_is_not_drawn() -> None:
    drawing = figure(go.Scatter(x=[1, 2, 3], y=[0, -1, 10], mode="markers"), yaxis={"type": "log"})
    assert len(part(drawn(drawing), PathCollection, "trace-0-marks").get_offsets()) == 1


def test_a_stair_goes_across_and_then_up() -> None:
    drawing = figure(go.Scatter(x=[0, 1, 2], y=[0, 1, 3], mode="lines", line={"shape": "hv"}))
    x, y = part(drawn(drawing), Line2D, "trace-0").get_data()
    assert (x[1], y[1]) == (x[2], y[0])
    assert (x[3], y[3]) == (x[4], y[2])


def test_a_bar_reaches_from_zero_to_its_value_and_leaves_the_gap() -> None:
    bars = go.Bar(x=[1, 2], y=[1, 2], marker={"color": [theme.ORANGE, theme.BLUE]})
    made = drawn(figure(bars, bargap=0.5, yaxis={"range": [0, 4]}))
    shapes = part(made, PolyCollection, "trace-0")
    first, second = (path.get_extents() for path in shapes.get_paths())
    assert second.height == pytest.approx(2 * first.height)
    assert first.width == pytest.approx(second.x0 - first.x1)
    assert shapes.get_facecolor().tolist() == [pytest.approx(rgba(theme.ORANGE)), pytest.approx(rgba(theme.BLUE))]


def test_cells_have_the_colours_of_their_numbers_and_their_edges() -> None:
    scale = [[0, "#000000"], [1, "#ffffff"]]
    cells = go.Heatmap(x=[1, 10, 100], z=[[0, 1], [None, 0.5]], colorscale=scale, zmin=0, zmax=1)
    made = drawn(figure(cells, xaxis={"type": "log"}))
    shapes = part(made, PolyCollection, "trace-0")
    assert shapes.get_facecolor()[:, 0] == pytest.approx([0, 1, 0.5])
    left, right = (path.get_extents() for path in shapes.get_paths()[:2])
    assert left.width == pytest.approx(right.width)  # a power of ten each
    assert edges({"z": [[1, 2, 3]], "x": [1, 2, 4]}, "x").tolist() == [0.5, 1.5, 3, 5]


def test_a_large_table_of_equal_cells_is_one_image_of_the_same_numbers() -> None:
    table = np.arange(2500).reshape(50, 50)
    made = svg(figure(go.Heatmap(z=table), xaxis={"range": [-0.5, 49.5]}, yaxis={"range": [-0.5, 49.5]}))
    assert made.count(b"<image") == 2  # the cells and the bar
    made = drawn(figure(go.Heatmap(z=table)))
    (image,) = [each for each in made.findobj() if each.get_gid() == "trace-0"]
    wanted = along("Viridis", table, 0, 2499)
    assert np.abs(image.get_array() / 255 - wanted).max() < 0.005  # type: ignore[attr-defined]


def test_words_in_cells_become_smaller_and_are_an_error_where_they_do_not_fit() -> None:
    table = [[0.5] * 8]
    words = go.Heatmap(z=table, text=[["0.123<br>0.101–0.999"] * 8], texttemplate="%{text}", showscale=False)
    sizes = {width: sheet(figure(words), width=width)[0].axes[0].texts[0].get_fontsize() for width in (12, 5)}
    assert sizes[12] == 8 > sizes[5] > 5
    with pytest.raises(ValueError, match=r"do not fit its cells: \d+% of their size is left; take a larger width"):
        sheet(figure(words), width=3)


def test_shapes_and_marks_stand_on_axes_domains_and_paper() -> None:
    upright = {"y0": 0, "y1": 1}
    rectangle = {"type": "rect", "x0": 10, "x1": 100, "yref": "paper", "fillcolor": theme.GREEN, "line": {"width": 0}}
    drawing = figure(
        go.Scatter(x=[1, 100], y=[0, 1], mode="markers"),
        xaxis={"type": "log", "range": [0, 2]},
        yaxis={"range": [0, 1]},
        shapes=[rectangle | upright, {"type": "line", "x0": 0.5, "x1": 0.5, "xref": "x domain"} | upright],
        annotations=[{"x": 1, "y": 0.5, "text": "here"}],  # on a logarithmic axis by its power of ten
    )
    made = drawn(drawing)
    area, line = part(made, PolyCollection, "shape-0").get_paths()[0].get_extents(), part(made, Line2D, "shape-1")
    assert line.get_xdata()[0] == pytest.approx(area.x0)
    (word,) = [text for text in made.axes[0].texts if text.get_text() == "here"]
    assert word.get_position()[0] == pytest.approx(area.x0)


def test_a_region_that_refutes_is_hatched_and_one_that_supports_is_not() -> None:
    """In grey the two colours are one: 0.12 of both on white differ by less than 2 %."""

    def grey(colour: str) -> float:
        return float(np.dot(rgba(colour)[:3], (0.299, 0.587, 0.114)))

    assert abs(grey(theme.ORANGE) - grey(theme.GREEN)) * 0.12 < 0.02
    upright = {"type": "rect", "y0": 0, "y1": 1, "yref": "paper", "line": {"width": 0}, "opacity": 0.12}
    regions = [
        upright | {"x0": at, "x1": at + 1, "fillcolor": fill} for at, fill in enumerate((theme.GREEN, theme.ORANGE))
    ]
    made = drawn(figure(go.Scatter(x=[0, 2], y=[0, 1], mode="markers"), shapes=regions))
    hatch = part(made, Line2D, "shape-1-hatch")
    seen = part(made, PolyCollection, "shape-1").get_paths()[0].get_extents()
    x, y = hatch.get_data()
    known = np.isfinite(x)
    assert known.sum() > 10
    assert np.diff(x)[::3] == pytest.approx(np.diff(y)[::3])  # each rises by 45 degrees
    ends = made.axes[0].transData.inverted().transform(hatch.get_clip_box().get_points())
    assert ends[:, 0].tolist() == pytest.approx([seen.x0, seen.x1])
    assert "shape-0-hatch" not in {line.get_gid() for line in made.findobj(Line2D)}


def test_axes_of_one_scale_stay_square() -> None:
    drawing = figure(
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines"),
        xaxis={"range": [0, 1], "constrain": "domain"},
        yaxis={"range": [0, 1], "scaleanchor": "x", "constrain": "domain"},
    )
    (x0, x1), (y0, y1) = part(drawn(drawing), Line2D, "trace-0").get_data()
    assert x1 - x0 == pytest.approx(y1 - y0)


def test_squares_of_a_low_sheet_stand_in_the_middle_of_their_halves() -> None:
    one = {"range": [0, 1], "constrain": "domain", "showticklabels": False}
    axes = {"xaxis": one | {"domain": [0, 0.48]}, "xaxis2": one | {"domain": [0.52, 1], "anchor": "y2"}}
    axes |= {"yaxis": one | {"scaleanchor": "x"}, "yaxis2": one | {"scaleanchor": "x2", "anchor": "x2"}}
    lines = [go.Scatter(x=[0, 1], y=[0, 1], mode="lines", xaxis=f"x{n}", yaxis=f"y{n}") for n in ("", 2)]
    made, _ = sheet(figure(*lines, **axes, showlegend=False, margin={"l": 8, "r": 8}), width=5, height=1.5)
    middles = [part(made, Line2D, f"trace-{number}").get_data()[0].mean() for number in (0, 1)]
    assert np.divide(middles, made.axes[0].get_xlim()[1]) == pytest.approx([0.25, 0.75], abs=0.02)


def test_a_range_that_is_not_set_holds_what_is_drawn() -> None:
    def ends(*traces: Any, **layout: Any) -> Any:
        axes = axes_of(still(figure(*traces, **layout)))
        return [(axes[name].low, axes[name].high) for name in "xy"]

    line = go.Scatter(x=[0, 10], y=[1, 3], mode="lines")
    assert ends(line) == [(0, 10), (0.9, 3.1)]
    assert ends(line, yaxis={"rangemode": "tozero"}) == [(0, 10), (0, pytest.approx(3.15))]
    assert ends(go.Scatter(x=[1, 1], y=[0, 0], mode="markers"), yaxis={"rangemode": "tozero"}) == [(0, 2), (0, 1)]
    bars = go.Scatter(x=[0, 1], y=[1, 3], mode="markers", error_y={"array": [0, 1], "arrayminus": [1, 0]})
    assert ends(bars)[1] == (pytest.approx(-0.2), pytest.approx(4.2))
    assert ends(go.Scatter(x=["a", "b"], y=[1, 2], mode="markers"))[0] == (-0.5, 1.5)


@pytest.mark.parametrize(
    ("options", "low", "high", "length", "labels"),
    [
        ({}, 0, 1, 300, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ({"dtick": 0.5}, -0.6, 0.6, 300, ["−0.5", "0.0", "0.5"]),
        ({"nticks": 4}, 0, 10, 300, ["0", "5", "10"]),
        ({}, 0, 30_000, 300, ["0", "10,000", "20,000", "30,000"]),
        ({}, 0, 3e6, 160, ["0", "10⁶", "2×10⁶", "3×10⁶"]),
        ({"tickvals": [0, 0.5, 2], "ticktext": ["no", "half", "out"]}, 0, 1, 300, ["no", "half"]),
        ({"tickformat": ".0%", "dtick": 0.5}, 0, 1, 300, ["0%", "50%", "100%"]),
        ({"type": "log", "dtick": 1, "tickformat": ",d"}, 0, 3, 300, ["1", "10", "100", "1,000"]),
        ({"type": "log", "dtick": 2, "exponentformat": "power"}, -6, 0, 300, ["10⁻⁶", "10⁻⁴", "10⁻²", "10⁰"]),
        ({"type": "log", "dtick": "D2", "tickformat": "~g"}, -1, 0, 300, ["0.1", "0.2", "0.5", "1"]),
        ({"type": "log", "nticks": 5}, 0, 0.31, 300, ["1", "1.2", "1.4", "1.6", "1.8", "2"]),
    ],
)
def test_ticks_are_those_of_plotly(options: Any, low: float, high: float, length: float, labels: list[str]) -> None:
    axis = Axis(id="x", options=options, kind=options.get("type", "linear"), low=low, high=high)
    assert [tick.label for tick in ticks(axis, length)] == labels


def test_numbers_are_written_as_d3_writes_them() -> None:
    given = [(1234.4, ",d"), (0.5, ".0%"), (0.1234, ".2f"), (-2.5, "~g"), (1e-7, "~g"), (1.50, ".2~f")]
    assert [formatted(*each) for each in given] == ["1,234", "50%", "0.12", "−2.5", "10⁻⁷", "1.5"]
    assert power(-0.002) == "−2×10⁻³"
    with pytest.raises(ValueError, match="tickformat '%Y'"):
        formatted(1, "%Y")


def test_panels_keep_their_shares_and_gaps_grow() -> None:
    stretches = tracks([(0.6, 1.0), (0.0, 0.4), (0.1, 0.3)])
    assert stretches == [(0.0, 0.4), (0.6, 1.0)]
    assert gaps(stretches, 100) == pytest.approx([20])
    wide = space(10, 100, stretches, [40])
    assert [wide(share) for share in (0, 0.4, 0.6, 1)] == pytest.approx([10, 40, 80, 110])
    assert wide(1.1) == pytest.approx(120)
    with pytest.raises(ValueError, match="too little room; take a larger width"):
        space(0, 100, stretches, [90])


def test_rows_of_panels_leave_room_for_the_words_between_them() -> None:
    panels = [go.Scatter(x=[0, 1], y=[0, 1], mode="lines", xaxis=f"x{n}", yaxis=f"y{n}") for n in ("", "2")]
    axes: dict[str, Any] = {
        f"yaxis{n}": {"domain": domain, "range": [0, 1], "anchor": f"x{n}"}
        for n, domain in (("", [0, 0.495]), ("2", [0.505, 1]))
    }
    axes |= {f"xaxis{n}": {"anchor": f"y{n}", "title": {"text": f"title{n}"}} for n in ("", "2")}
    made = drawn(figure(*panels, showlegend=False, **axes))
    lower, upper = part(made, Line2D, "trace-0").get_ydata(), part(made, Line2D, "trace-1").get_ydata()
    (title,) = [text for text in made.axes[0].texts if text.get_text() == "title2"]
    place = title.get_position()[1]
    assert lower[1] + 5 < place < upper[0] - 20  # the labels of the ticks stand above it


def test_colours_are_plotlys() -> None:
    assert rgba("rgba(255,0,128,0.5)") == pytest.approx((1, 0, 128 / 255, 0.5))
    assert rgba("#ff0000", 0.5) == (1, 0, 0, 0.5)
    assert along([[0, "#000000"], [1, "#ffffff"]], [-1, 0.5, 9], 0, 1)[:, 0].tolist() == [0, 0.5, 1]
    assert (ink_on((1, 1, 0.8, 1)), ink_on((0, 0, 0.5, 1))) == ("#111111", "#ffffff")


@pytest.mark.parametrize(
    ("drawing", "named"),
    [
        (go.Figure(go.Pie(values=[1, 2])), "type of a trace is 'pie'"),
        (go.Figure(go.Scatter3d(x=[1], y=[1], z=[1])), "type of a trace is 'scatter3d'"),
        (figure(go.Scatter(x=[1], y=[1], stackgroup="a", mode="lines")), "a scatter trace sets 'stackgroup'"),
        (figure(go.Scatter(x=[1], y=[1], mode="markers", marker={"symbol": "hash"})), "symbol of a marker is 'hash'"),
        (figure(go.Scatter(x=[1], y=[1], mode="lines", line={"dash": "5px"})), "dash of a line is '5px'"),
        (figure(go.Scatter(x=[1], y=[1], mode="lines", line={"shape": "spline"})), "shape of a line is 'spline'"),
        (figure(go.Scatter(x=["2024-01-01"], y=[1], mode="lines"), xaxis={"type": "date"}), "type of axis x is 'date'"),
        (figure(xaxis={"rangeslider": {"visible": True}}), "layout.xaxis sets 'rangeslider.visible'"),
        (figure(title={"text": "a"}), "the layout sets 'title.text'"),
        (figure(polar={"hole": 0.5}), "the layout sets 'polar.hole'"),
        (figure(shapes=[{"type": "circle", "x0": 0, "x1": 1, "y0": 0, "y1": 1}]), "type of a shape is 'circle'"),
        (figure(annotations=[{"text": "a", "x": 0, "y": 0, "showarrow": True}]), "an annotation has an arrow"),
        (figure(go.Heatmap(z=[[1]], texttemplate="%{z}", text=[["a"]])), "texttemplate of a heat map is '%{z}'"),
        (figure(annotations=[{"text": "a", "x": 0, "y": 0, "xref": "x7"}]), "a mark refers to 'x7'"),
        (figure(go.Scatter(x=[1, 2], y=[1, 2], mode="lines"), yaxis={"anchor": "free"}), "anchored to 'free'"),
    ],
)  # fmt: skip
def test_what_paper_does_not_know_is_an_error_that_names_it(drawing: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named.replace("{", r"\{")):
        svg(drawing)


def test_what_only_a_pointer_can_use_is_no_error() -> None:
    trace = go.Scatter(x=[1, 2], y=[1, 2], mode="lines", hovertemplate="%{y}", customdata=[1, 2], hoverinfo="skip")
    assert svg(figure(trace, hovermode="x", xaxis={"hoverformat": ".2f", "fixedrange": True}))


@pytest.mark.parametrize("inches", [0.9, 20.1, float("nan")])
def test_width_and_height_have_limits(inches: float) -> None:
    for name in ("width", "height"):
        with pytest.raises(ValueError, match=f"{name} {inches:g}: expected 1 to 20 inches"):
            pdf(figure(), **{name: inches})


def test_a_figure_without_room_says_so() -> None:
    names = {"tickvals": [0], "ticktext": ["a long name that does not end soon"]}
    numbers = ["", "2", "3", "4"]
    panels = [go.Scatter(x=[0], y=[0], mode="markers", xaxis=f"x{n}", yaxis=f"y{n}") for n in numbers]
    axes = {f"yaxis{n}": names | {"anchor": f"x{n}"} for n in numbers}
    axes |= {f"xaxis{n}": {"domain": [at / 4, at / 4 + 0.2], "anchor": f"y{n}"} for at, n in enumerate(numbers)}
    with pytest.raises(ValueError, match="too little room; take a larger width"):
        svg(figure(*panels, **axes), width=2)
    assert svg(figure(*panels, **axes), width=12)

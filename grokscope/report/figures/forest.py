"""The parts of a claim: seeds, effect, interval and regions, each in its own unit, with the controls beneath.

What is written in it are names of parts and arms, and numbers: a file of it serves every language.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.cards import Control, Row
from grokscope.report.figures.base import draws
from grokscope.report.page import theme
from grokscope.report.words import Lang, part_name, say, with_interval

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LINE, HEAD, AXIS = 30, 26, 34  # pixels of an arm's line, of a part's title, and of its axis
LETTER, SIDE = 7.2, 16  # pixels of a letter of an arm's name, and beside the longest
SHADES = {"supports": theme.GREEN, "refutes": theme.ORANGE}
MARGIN = 0.08  # of the range drawn, on both sides
REACH = 1.5  # an open region, or an end of an interval, is drawn so many ranges of the seeds beyond them at most


@draws("study")
def forest(rows: Sequence[Row], lang: Lang = "en") -> "Figure | Missing":
    """The parts of one claim, each on an axis of its own: a dot a seed, the effect with its 95 % interval, the regions
    shaded, what an ideal network scores, and beneath it the controls."""
    drawn = [row for row in rows if row.effect is not None]
    if not drawn:
        return Missing(say("missing.tested", lang))
    heights = [HEAD + LINE * (1 + len(_known(row))) + AXIS for row in drawn]
    left = SIDE + LETTER * max(len(name) for row in drawn for name, _ in _lines(row))
    figure = theme.blank(sum(heights) + 20, margin={"l": left, "r": 14, "t": 8, "b": 8})
    top = 1.0
    for place, (row, height) in enumerate(zip(drawn, heights, strict=True), start=1):
        share = height / sum(heights)
        inner = (top - share * (1 - AXIS / height), top - share * HEAD / height)
        _part(figure, row, place, inner, lang)
        title = f"{part_name(row.part or row.id, lang)}: {_text(row)}"
        figure.add_annotation(
            text=title, x=0, xanchor="left", xref="paper", y=top, yanchor="top", yref="paper", xshift=SIDE / 2 - left
        )
        top -= share
    return figure


def _part(figure: "Figure", row: Row, place: int, domain: tuple[float, float], lang: Lang) -> None:
    axis = "" if place == 1 else str(place)
    low, high = _range(row)
    lines = _lines(row)
    figure.update_layout({
        f"xaxis{axis}": {"range": [low, high], "anchor": f"y{axis}", "nticks": 8},
        f"yaxis{axis}": {
            "domain": [max(0.0, domain[0]), domain[1]], "anchor": f"x{axis}", "range": [-len(lines) + 0.5, 0.5],
            "tickvals": [-at for at in range(len(lines))], "ticktext": [name for name, _ in lines], "showgrid": False,
        },
    })  # fmt: skip
    for name, colour in SHADES.items():
        for start, end in getattr(row, name):
            if start < high and end > low:
                figure.add_shape(
                    type="rect", x0=max(start, low), x1=min(end, high), y0=0, y1=1, xref=f"x{axis}",
                    yref=f"y{axis} domain", fillcolor=colour, opacity=0.12, line={"width": 0}, layer="below",
                )  # fmt: skip
    if row.ideal is not None:
        figure.add_scatter(
            x=[row.ideal], y=[0.38], xaxis=f"x{axis}", yaxis=f"y{axis}", mode="markers", showlegend=False,
            marker={"symbol": "star", "size": 11, "color": theme.AMBER},
            hovertemplate=say("forest.ideal", lang) + "<extra></extra>",
        )  # fmt: skip
    for at, (_, of) in enumerate(lines):
        _line(figure, of, axis, -float(at), control=at > 0)


def _line(figure: "Figure", of: Row | Control, axis: str, y: float, *, control: bool) -> None:
    """The seeds of an arm as dots, and its effect with the interval."""
    colour = theme.NEUTRAL if control else theme.BLUE
    beside = 0.22 * np.cos(2.4 * np.arange(len(of.values)))  # apart, the same each time
    places = {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "showlegend": False}
    figure.add_scatter(
        x=list(of.values), y=(y + beside).tolist(), mode="markers", hovertemplate="%{x:.3g}<extra></extra>",
        marker={"size": 5, "color": colour, "opacity": 0.5}, **places,
    )  # fmt: skip
    assert of.effect is not None
    if of.low is not None and of.high is not None:
        figure.add_scatter(
            x=[max(of.low, -1e300), min(of.high, 1e300)], y=[y, y], mode="lines", hoverinfo="skip",
            line={"color": colour, "width": 3}, **places,
        )  # fmt: skip
    figure.add_scatter(
        x=[of.effect], y=[y], mode="markers", hovertemplate=_text(of) + "<extra></extra>",
        marker={"symbol": "diamond", "size": 11, "color": colour, "line": {"color": theme.WHITE, "width": 1}}, **places,
    )  # fmt: skip


def _lines(row: Row) -> list[tuple[str, Row | Control]]:
    """What has a line of its own, with its name: the arm of the row, or the family that it goes along; its controls."""
    own = (*row.along, *row.arms, "")[0]
    return [(own, row), *((control.arm, control) for control in _known(row))]


def _known(row: Row) -> list[Control]:
    return [control for control in row.controls if control.effect is not None]


def _range(row: Row) -> tuple[float, float]:
    """What is drawn: all seeds and effects, and the ends of regions and intervals that are not far beyond these."""
    near = [*row.values, row.effect, *([] if row.ideal is None else [row.ideal])]
    near += [value for control in _known(row) for value in (*control.values, control.effect)]
    known = [float(value) for value in near if value is not None and math.isfinite(value)] or [0.0]
    first, last = min(known), max(known)
    reach = REACH * ((last - first) or abs(first) or 1.0)
    ends = [end for part in (*row.supports, *row.refutes, (row.low, row.high)) for end in part if end is not None]
    known += [end for end in ends if first - reach <= end <= last + reach]
    first, last = min(known), max(known)
    margin = MARGIN * ((last - first) or abs(first) or 1.0)
    return first - margin, last + margin


def _text(of: Row | Control) -> str:
    assert of.effect is not None
    return with_interval(of.effect, of.low, of.high)

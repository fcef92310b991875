"""A final value over two axes of a sweep, with its uncertainty over seeds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from grokscope.report.figures.base import draws
from grokscope.report.figures.parts.cells import axis, axis_label
from grokscope.report.page import theme
from grokscope.report.words import Lang, count, number, say
from grokscope.statistics.intervals import FEWEST

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CELL, FRAME = 46, 120  # pixels of a row of two lines of text, and of the frame around the rows


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatTable:
    """The last value of a measure over two axes; NaN where a cell has no run with one.

    measure: such as "test_accuracy", with a name in `words`. mean: over the cell's runs. low, high: its 95 % interval
    from five runs on, else the least and the largest value. n: runs in it. left_out: runs whose loss was not finite.
    runs: the id of the cell's first run.
    """

    measure: str
    x: tuple[Any, ...]
    y: tuple[Any, ...]
    x_name: str
    y_name: str
    mean: Float[np.ndarray, "y x"]
    low: Float[np.ndarray, "y x"]
    high: Float[np.ndarray, "y x"]
    n: Int[np.ndarray, "y x"]
    left_out: Int[np.ndarray, "y x"]
    runs: np.ndarray


@draws("study")
def heatmap(table: HeatTable, lang: Lang = "en") -> "Figure":
    """Colour and first line: the mean; second line: its interval or range."""

    figure = theme.blank(FRAME + CELL * max(len(table.y), 3))
    places = [[(i, j) for j in range(len(table.x))] for i in range(len(table.y))]
    figure.add_heatmap(
        z=[[_finite(table.mean[place]) for place in row] for row in places],
        text=[[_written(table, place) for place in row] for row in places], texttemplate="%{text}",
        customdata=[[_about(table, place, lang) for place in row] for row in places],
        hovertemplate="%{customdata[1]}<br>%{customdata[2]}<extra></extra>", hoverongaps=False,
        xgap=1, ygap=1,
        colorbar={"title": {"text": say(f"value.{table.measure}", lang), "side": "right"}, "thickness": 12},
    )  # fmt: skip
    # Places and not values: cells are of one size whether an axis is linear, logarithmic or of names.
    figure.update_xaxes(**axis(table.x, table.x_name))
    figure.update_yaxes(**axis(table.y, table.y_name))
    return figure


def _written(table: HeatTable, place: tuple[int, int]) -> str:
    if not table.n[place]:
        return "–" if table.left_out[place] else ""
    mean = number(float(table.mean[place]))
    if table.n[place] == 1:
        return mean
    return f"{mean}<br>{number(float(table.low[place]))}–{number(float(table.high[place]))}"


def _about(table: HeatTable, place: tuple[int, int], lang: Lang) -> list[str]:
    """The hover of a cell: its first run's id, its place, and its value with the uncertainty."""
    n, left_out = int(table.n[place]), int(table.left_out[place])
    if not n and not left_out:
        return ["", "", ""]
    lines = []
    if n:
        ends = {name: number(float(getattr(table, name)[place])) for name in ("low", "high")}
        lines.append(say("heatmap.mean", lang, mean=number(float(table.mean[place])), n=count(n)))
        if n == 1:
            lines.append(say("heatmap.one", lang))
        else:
            lines.append(say("heatmap.interval" if n >= FEWEST else "heatmap.range", lang, **ends))
    if left_out:
        lines.append(say("heatmap.left_out", lang, n=count(left_out)))
    where = f"{table.y_name} {axis_label(table.y[place[0]])}, {table.x_name} {axis_label(table.x[place[1]])}"
    return [str(table.runs[place]), where, "<br>".join(lines)]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

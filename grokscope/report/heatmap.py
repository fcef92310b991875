"""Heat maps of a final value over two axes of a sweep, with what its seeds leave uncertain in every cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.report import theme
from grokscope.report.phase_diagram import axis, axis_label, axis_order
from grokscope.report.words import Lang, count, number, say
from grokscope.runs.run import Run
from grokscope.runs.store.series import read_series
from grokscope.statistics.intervals import FEWEST, mean_effect

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CELL, FRAME = 46, 120  # pixels of a row of two lines of text, and of what stands around the rows


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatTable:
    """A value over two axes; NaN where a cell has no run with one.

    mean: over the cell's runs. low, high: its 95 % interval from five runs on, of fewer the least and the largest value
    (of one, itself). n: runs in it. left_out: runs whose loss was not finite. runs: the id of the cell's first run.
    """

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


def final_values(runs: Sequence[Run], *, x: str, y: str, measure: str = "behaviour.test_accuracy") -> HeatTable:
    """The last value of a measure without views in each run, over two fields of the config.

    Raises ValueError without a run, for a field that a config lacks, and where no run has the measure.
    """
    if not runs:
        raise ValueError("expected at least one run, got none")
    found = read_series(sorted({run.folder for run in runs}), [measure])
    if not found:
        raise ValueError(f"no run has {measure}: it has not been measured, or its task has none")
    cells: dict[tuple[Any, Any], list[tuple[str, float]]] = {}
    for run in runs:
        fields = run.config.model_dump()
        for field in (x, y):
            if field not in fields:
                raise ValueError(f"run {run.id} has no field {field!r} in its config")
        lost = any(event["event"] == "non-finite" for event in run.events)
        steps, values = found.get((run.id, measure), (np.array([]), np.array([])))
        value = np.nan if lost or not len(steps) else float(values[-1])
        cells.setdefault((_key(fields[y]), _key(fields[x])), []).append((run.id, value))
    rows, columns = (tuple(sorted({key[axis] for key in cells}, key=axis_order)) for axis in (0, 1))
    shape = (len(rows), len(columns))
    mean, low, high = (np.full(shape, np.nan) for _ in range(3))
    n, left_out = (np.zeros(shape, dtype=np.int64) for _ in range(2))
    ids = np.full(shape, "", dtype=object)
    for (row, column), listed in cells.items():
        place = rows.index(row), columns.index(column)
        values = [value for _, value in listed if np.isfinite(value)]
        n[place], left_out[place], ids[place] = len(values), len(listed) - len(values), listed[0][0]
        if values:
            mean[place], low[place], high[place] = _spread(values)
    return HeatTable(
        x=columns, y=rows, x_name=x, y_name=y, mean=mean, low=low, high=high, n=n, left_out=left_out, runs=ids
    )


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    effect = mean_effect(values)
    if isinstance(effect.low, Missing) or isinstance(effect.high, Missing):
        return effect.value, min(values), max(values)
    return effect.value, effect.low, effect.high


def heatmap(table: HeatTable, title: str, lang: Lang = "en") -> "Figure":
    """Colour and first line: the mean; second line: how far it is known. title: of the colour bar, with its unit."""
    from plotly.graph_objects import Figure

    figure = Figure()
    places = [[(i, j) for j in range(len(table.x))] for i in range(len(table.y))]
    figure.add_heatmap(
        z=[[_finite(table.mean[place]) for place in row] for row in places],
        text=[[_written(table, place) for place in row] for row in places], texttemplate="%{text}",
        customdata=[[_about(table, place, lang) for place in row] for row in places],
        hovertemplate="%{customdata[1]}<br>%{customdata[2]}<extra></extra>", hoverongaps=False,
        colorscale="Viridis", xgap=1, ygap=1, colorbar={"title": {"text": title, "side": "right"}, "thickness": 12},
    )  # fmt: skip
    theme.layout(figure, height=FRAME + CELL * max(len(table.y), 3))
    figure.update_layout(hovermode="closest")
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
    """Its first run's id, its place, and what is known of its value."""
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


def _key(value: Any) -> Any:
    return value if isinstance(value, int | float | str | None) else str(value)

"""Circles of the tables of elements: their coherence, their number, and equivariance."""

import math
from typing import TYPE_CHECKING

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import elements, steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings, Series
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_CIRCLES = 7  # frequencies; more colours cannot be told apart
SHOWN = 4  # of them at once; the others when they are asked for
SIZE = 6  # pixels of a mark
# Pink is the colour of chance here, red of levels, grey of what has no frequency.
COLOURS = tuple(c for c in (*theme.SERIES, theme.INK) if c not in (theme.PINK, theme.RED, theme.SERIES[-1]))


@draws("run", shaded=True)
def circles(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Coherence of each frequency's plane, number of certified circles, equivariance: for both tables of elements."""
    planes = _planes(readings)
    certified, equivariance = (
        elements.of_tables(readings, f"manifold.{name}") for name in ("certified_circles", "equivariance")
    )
    panels = {"axis.coherence": planes, "axis.circles": certified, "axis.equivariance": equivariance}
    titles = [title for title, series in panels.items() if series]
    if not titles:
        return elements.absent(readings, "missing.no_table")
    weight = [0.5 if title == "axis.coherence" else 0.25 for title in titles]
    shares = [part / sum(weight) for part in weight]
    figure = steps.stack(readings, lang, titles, shares=shares, height=170 + 150 * len(titles) + 100 * bool(planes))
    axis = {title: f"y{index + 1}" if index else "y" for index, title in enumerate(titles)}
    shown = list(dict.fromkeys(k for _, k in planes))
    key = _strongest(planes)
    for (view, k), (series, colour) in planes.items():
        name = k if "=" in k else f"k = {k}"  # a character of a product of groups is named k=(1,2)
        name = name if view == "embed/tokens" else f"{name}, {say('series.class_means', lang)}"
        dash, symbol = elements.TABLES[view][1], theme.SYMBOLS[shown.index(k)]
        steps.line(
            figure, series, name, colour, shown=k in key, size=SIZE, dash=dash, symbol=symbol, mode="lines+markers"
        )
        # One entry a frequency: the lines of the panels below show how the tables differ.
        figure.data[-1].update(showlegend=view == "embed/tokens" or ("embed/tokens", k) not in planes, legendgroup=k)
    for title, series in (("axis.circles", certified), ("axis.equivariance", equivariance)):
        elements.draw(figure, series, lang, axis.get(title, "y"), shape="hv" if title == "axis.circles" else "linear")
    _chances(figure, readings, lang, axis)
    for title in titles:
        # The coherence of a frequency that is not there yet is about 0, on either side.
        limits = {
            "axis.circles": {"rangemode": "tozero", "nticks": 4},
            "axis.coherence": {"range": [-0.5, 1.05]},
            "axis.equivariance": {"range": [0, 1.05]},
        }
        figure.update_layout({axis[title].replace("y", "yaxis"): limits[title]})
    return figure


def _planes(readings: Readings) -> dict[tuple[str, str], tuple[Series, str]]:
    """By table and frequency the coherence and its colour; of the frequencies strongest at the end, in their order."""
    by_frequency: dict[str, dict[str, Series]] = {}
    for view in readings.views("manifold.frequency_plane"):
        table, _, k = view.removeprefix("view=").partition(",frequency=")
        series = readings.series("manifold.frequency_plane", view)
        if table in elements.TABLES and isinstance(series, tuple):
            by_frequency.setdefault(k, {})[table] = series
    ends = {k: max(float(values[-1]) for _, values in tables.values()) for k, tables in by_frequency.items()}
    strongest = sorted(ends, key=lambda k: -ends[k])[:MOST_CIRCLES]
    shown = [k for k in by_frequency if k in strongest]
    colours = dict(zip(strongest, COLOURS, strict=False))
    return {(view, k): (series, colours[k]) for k in shown for view, series in by_frequency[k].items()}


def _strongest(planes: dict[tuple[str, str], tuple[Series, str]]) -> set[str]:
    """The frequencies that are shown at once: those whose coherence is highest at the end."""
    ends: dict[str, float] = {}
    for (_, k), ((_, values), _) in planes.items():
        ends[k] = max(ends.get(k, -1.0), float(values[-1]))
    return set(sorted(ends, key=lambda k: -ends[k])[:SHOWN])


def _chances(figure: "Figure", readings: Readings, lang: Lang, axis: dict[str, str]) -> None:
    """The levels of random rows of residues: coherence below 1.96 / sqrt(2 p) in 97.5 %; equivariance 1 / (p - 2)."""
    if not readings.cyclic:
        return
    p = readings.run.config.build_task().n_classes
    chance = {"axis.coherence": 1.96 / math.sqrt(2 * p), "axis.equivariance": 1 / (p - 2)}
    for index, title in enumerate(title for title in chance if title in axis):
        steps.level(figure, readings, chance[title], say("series.chance", lang), axis=axis[title])
        figure.data[-1].update(legendgroup="chance", showlegend=index == 0, line_color=theme.PINK)

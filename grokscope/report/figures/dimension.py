"""Intrinsic and linear dimension of the views."""

from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import elements, steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings, Series
from grokscope.report.words import Lang, count, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Measure, view, name, colour, kind of line.
DIMENSIONS = (
    ("manifold.dimension", "view=resid_mid/orbits", "series.dimension", theme.BLUE, "solid"),
    ("manifold.gride", "view=resid_mid/orbits,n1=4", "series.gride", theme.SKY, "dash"),
    ("manifold.dimension", "view=resid_mid/all,method=mle", "series.dimension_naive", theme.ORANGE, "dot"),
    ("manifold.gride", "view=embed/tokens,n1=16", "series.gride_embedding", theme.PINK, "dash"),
    ("manifold.linear_dimension", "view=resid_mid/orbits", "series.linear", theme.GREEN, "solid"),
    ("manifold.linear_dimension", "view=embed/tokens", "series.linear_embedding", theme.GREEN, "dash"),
)


@draws("run", shaded=True)
def dimension(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Intrinsic and linear dimension of the views, and below how far f(a, b) is from f(b, a)."""
    curves = {row: readings.series(*row[:2]) for row in DIMENSIONS}
    if all(isinstance(series, Missing) for series in curves.values()):
        return elements.absent(readings, "missing.no_stream", grouped=False)
    swap = readings.series("manifold.swap_distance")
    below = isinstance(swap, tuple)
    titles = ["axis.dimension", "axis.swap_distance"] if below else ["axis.dimension"]
    figure = steps.stack(readings, lang, titles, shares=[0.68, 0.32] if below else [1], height=600 if below else 450)
    known = [float(value) for series in curves.values() if isinstance(series, tuple) for value in series[1]]
    for (_, _, name, colour, dash), series in curves.items():
        steps.line(figure, _gaps(readings, series), say(name, lang), colour, dash=dash, mode="lines+markers")
    truth = readings.run.config.build_task().truth.intrinsic_dimension
    for name, value, dash in (("series.n_train", readings.n_train, "dash"), ("series.truth", truth, "dot")):
        if value:
            known.append(value)
            steps.level(figure, readings, value, say(name, lang, n=count(value)), dash=dash)
    figure.update_layout(yaxis={"type": "log", "dtick": steps.log_ticks(known), "tickformat": "~g"})
    if below:
        name = say("series.swap_distance", lang)
        steps.line(figure, swap, name, theme.AMBER, axis="y2", mode="lines+markers")
        figure.update_layout(yaxis2={"rangemode": "tozero"})
    return figure


def _gaps(readings: Readings, series: Series | Missing) -> Series | Missing:
    """The series with a gap at each checkpoint without an answer: a line across it would look like one."""
    if isinstance(series, Missing):
        return series
    steps = np.union1d(series[0], readings.checkpoints).astype(np.int64)
    values = np.full(len(steps), np.nan)
    values[np.isin(steps, series[0])] = series[1]
    return steps, values

"""Intrinsic and linear dimension of the sites that were measured, whatever their names."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import elements, steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings, Series
from grokscope.report.words import Lang, catalogue, count, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MEASURES = ("manifold.dimension", "manifold.gride", "manifold.linear_dimension")
MAIN = "resid_mid/orbits"  # the view that the texts speak of, where a network has it
CLOUD, TABLES = "/orbits", ("/tokens", "/class_means")
SCALES = (4, 16)  # neighbours: the smaller of clouds, the larger of tables


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a measure is drawn. name: a key of `words`. marked: its answers are few, and must be seen."""

    name: str
    colour: str
    dash: str
    marked: bool = False


# By measure; twins make the naive one fall for no topological reason.
KINDS = {
    "manifold.dimension": Kind(name="series.dimension", colour=theme.BLUE, dash="solid", marked=True),
    "manifold.gride": Kind(name="series.gride", colour=theme.PINK, dash="dot"),
    "manifold.linear_dimension": Kind(name="series.linear", colour=theme.GREEN, dash="dash"),
}
NAIVE = Kind(name="series.dimension_naive", colour=theme.ORANGE, dash="dashdot")


@draws("run", shaded=True)
def dimension(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Intrinsic and linear dimension of the views, and below how far f(a, b) is from f(b, a).

    The three curves of one view are shown; those of other views, the naive one and the number of training inputs are a
    click away. The view is the stream's orbits, or else the last site that was measured.
    """
    known = _measured(readings)
    if not known:
        return elements.absent(readings, "missing.no_stream", grouped=False)
    swap = readings.series("manifold.swap_distance")
    below = isinstance(swap, tuple)
    titles = ["axis.dimension", "axis.swap_distance"] if below else ["axis.dimension"]
    figure = steps.stack(readings, lang, titles, shares=[0.68, 0.32] if below else [1], height=600 if below else 450)
    values = _views(figure, readings, known, lang)
    truth = readings.run.task.truth.intrinsic_dimension
    levels = (("series.truth", truth, "longdash", True), ("series.n_train", readings.n_train, "dash", False))
    for name, value, dash, shown in levels:
        if value:
            values += [value] * shown
            steps.level(figure, readings, value, say(name, lang, n=count(value)), dash=dash)
            figure.data[-1].visible = True if shown else "legendonly"
    figure.update_layout(yaxis={"type": "log", "dtick": steps.log_ticks(values), "tickformat": "~g"})
    if below:
        name = say("series.swap_distance", lang)
        steps.line(figure, swap, name, theme.AMBER, axis="y2", mode="lines+markers")
        figure.update_layout(yaxis2={"rangemode": "tozero"})
    return figure


def _measured(readings: Readings) -> dict[tuple[str, str], Series]:
    """By measure and view the series that a figure has room for: of Gride one scale a view."""
    found = {
        (measure, view): readings.series(measure, view) for measure in MEASURES for view in readings.views(measure)
    }
    known = {key: series for key, series in found.items() if isinstance(series, tuple)}
    scales = {view for measure, view in known if measure == "manifold.gride"}
    chosen = {min((view for view in scales if _site(view) == site), key=_from_scale) for site in map(_site, scales)}
    return {(measure, view): own for (measure, view), own in known.items() if view in chosen or view not in scales}


def _from_scale(view: str) -> int:
    """How far the scale of a view is from the one that its points ask for: on a table of a group's elements nearer
    neighbours are equally near, and say nothing."""
    asked = max(SCALES) if _site(view).endswith(TABLES) else min(SCALES)
    return abs(int(view.rpartition("n1=")[2]) - asked)


def _views(
    figure: "Figure", readings: Readings, known: Mapping[tuple[str, str], Series], lang: Lang
) -> list[float | None]:
    """Draws every view of every measure; returns the values of those that are shown."""
    sites = list(dict.fromkeys(_site(view) for _, view in known))
    clouds = [site for site in sites if site.endswith(CLOUD)] or sites
    main = MAIN if MAIN in sites else clouds[-1]
    symbols = dict(zip(sites, itertools.cycle(theme.SYMBOLS), strict=False))
    values: list[float | None] = []
    for (measure, view), series in known.items():
        site, naive = _site(view), "method=" in view
        kind, shown = NAIVE if naive else KINDS[measure], site == main and not naive
        name = say(kind.name, lang)
        if site != MAIN and (site, naive) != ("resid_mid/all", True):
            name = f"{name}: {_named(site, lang)}"
        style: dict[str, Any] = {"dash": kind.dash, "mode": "lines+markers", "symbol": symbols[site]}
        size = 10 if kind.marked else 5
        steps.line(figure, _gaps(readings, series), name, kind.colour, shown=shown, size=size, **style)
        values += [float(value) for value in series[1]] * shown
    return values


def _site(view: str) -> str:
    """ "hidden/orbits" of "view=hidden/orbits,n1=4"."""
    return view.removeprefix("view=").partition(",")[0]


def _named(site: str, lang: Lang) -> str:
    """A site and its points in words, where there are some: a watched network has sites of its own names."""
    key = f"view.{site.replace('/', '_')}"
    return say(key, lang) if key in catalogue(lang) else site


def _gaps(readings: Readings, series: Series | Missing) -> Series | Missing:
    """The series with a gap at each checkpoint without an answer: a line across it would look like one."""
    if isinstance(series, Missing):
        return series
    steps = np.union1d(series[0], readings.checkpoints).astype(np.int64)
    values = np.full(len(steps), np.nan)
    values[np.isin(steps, series[0])] = series[1]
    return steps, values

"""The manifold's numbers against the step: dimension, circles, order. Readings -> plotly Figure, or `Missing`.

The clouds themselves and their persistence diagrams are in `diagrams.py`. `Missing.reason` is an id of `words`.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.report import theme
from grokscope.report.readings import Readings, Series
from grokscope.report.words import Lang, count, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# The two tables of the group's elements that are compared, by name and kind of line.
TABLES = {"embed/tokens": ("series.embedding", "solid"), "resid_mid/class_means": ("series.class_means", "dot")}
# Of the dimensions: (measure, view), name, colour.
DIMENSIONS = (
    ("manifold.dimension", "view=resid_mid/orbits", "series.dimension", theme.BLUE, "solid"),
    ("manifold.gride", "view=resid_mid/orbits,n1=4", "series.gride", theme.SKY, "dash"),
    ("manifold.dimension", "view=resid_mid/all,method=mle", "series.dimension_naive", theme.ORANGE, "dot"),
    ("manifold.gride", "view=embed/tokens,n1=16", "series.gride_embedding", theme.PINK, "dash"),
    ("manifold.linear_dimension", "view=resid_mid/orbits", "series.linear", theme.GREEN, "solid"),
    ("manifold.linear_dimension", "view=embed/tokens", "series.linear_embedding", theme.GREEN, "dash"),
)
MOST_CIRCLES = 8  # frequencies; more colours cannot be told apart
# Pink is the colour of chance here, red of levels, grey of what has no frequency.
COLOURS = tuple(c for c in theme.SERIES if c not in (theme.PINK, theme.RED, "#7f7f7f"))


def dimension(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Intrinsic and linear dimension of the views, and below how far f(a, b) is from f(b, a)."""
    found = {row: readings.series(*row[:2]) for row in DIMENSIONS}
    if all(isinstance(series, Missing) for series in found.values()):
        return _absent(readings, "missing.no_stream", grouped=False)
    swap = readings.series("manifold.swap_distance")
    below = isinstance(swap, tuple)
    titles = ["axis.dimension", "axis.swap_distance"] if below else ["axis.dimension"]
    figure = theme.stack(readings, lang, titles, shares=[0.68, 0.32] if below else [1], height=600 if below else 450)
    known = [float(value) for series in found.values() if isinstance(series, tuple) for value in series[1]]
    for (_, _, name, colour, dash), series in found.items():
        theme.line(figure, _gaps(readings, series), say(name, lang), colour, dash=dash, mode="lines+markers")
    levels = [("series.n_train", readings.n_train, "dash"), ("series.truth", _truth(readings), "dot")]
    for name, value, dash in levels:
        if value:
            known.append(value)
            theme.level(figure, readings, value, say(name, lang, n=count(value)), dash=dash)
    figure.update_layout(yaxis={"type": "log", "dtick": theme.log_ticks(known), "tickformat": "~g"})
    if below:
        name = say("series.swap_distance", lang)
        theme.line(figure, swap, name, theme.AMBER, axis="y2", mode="lines+markers")
        figure.update_layout(yaxis2={"rangemode": "tozero"})
    return figure


def circles(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Coherence of each frequency's plane, number of certified circles, equivariance: for both tables of elements."""
    planes = _planes(readings)
    certified, equivariance = (
        _of_tables(readings, f"manifold.{name}") for name in ("certified_circles", "equivariance")
    )
    panels = {"axis.coherence": planes, "axis.circles": certified, "axis.equivariance": equivariance}
    titles = [title for title, series in panels.items() if series]
    if not titles:
        return _absent(readings, "missing.no_table")
    weight = [0.5 if title == "axis.coherence" else 0.25 for title in titles]
    shares = [part / sum(weight) for part in weight]
    figure = theme.stack(readings, lang, titles, shares=shares, height=170 + 150 * len(titles) + 100 * bool(planes))
    axis = {title: f"y{index + 1}" if index else "y" for index, title in enumerate(titles)}
    for (view, k), (series, colour) in planes.items():
        name = k if "=" in k else f"k = {k}"  # a character of a product of groups is named k=(1,2)
        name = name if view == "embed/tokens" else f"{name}, {say('series.class_means', lang)}"
        theme.line(figure, series, name, colour, dash=TABLES[view][1])
        # One entry a frequency: how the lines differ by table is said by those of the panels below.
        figure.data[-1].update(showlegend=view == "embed/tokens" or ("embed/tokens", k) not in planes, legendgroup=k)
    for title, series in (("axis.circles", certified), ("axis.equivariance", equivariance)):
        _tables(figure, series, lang, axis.get(title, "y"), shape="hv" if title == "axis.circles" else "linear")
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


def order(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The share of the logits that follows the rule, beside accuracy; below, the strongest loop's death / birth."""
    shares = {split: readings.series("manifold.harmonic_share", f"split={split}") for split in ("all", "test")}
    ratios = _of_tables(readings, "manifold.persistence_ratio")
    above = any(isinstance(series, tuple) for series in shares.values())
    if not above and not ratios:
        return _absent(readings, "missing.no_table")
    titles = ["axis.share"] * above + ["axis.ratio"] * bool(ratios)
    parts = [0.6, 0.4] if len(titles) == 2 else [1]
    figure = theme.stack(readings, lang, titles, shares=parts, height=180 + 190 * len(titles))
    if above:
        _accuracy(figure, readings, lang)
        for (split, series), (colour, dash) in zip(
            shares.items(), ((theme.BLUE, "solid"), (theme.SKY, "dash")), strict=True
        ):
            theme.line(figure, series, say(f"series.harmonic_{split}", lang), colour, dash=dash)
        figure.update_layout(yaxis={"range": [-0.03, 1.03]})
    if ratios:
        axis = "y2" if above else "y"
        _tables(figure, ratios, lang, axis, mode="lines+markers")
        theme.level(figure, readings, 1, say("series.no_loop", lang), axis=axis, dash="dash")
        figure.update_layout({axis.replace("y", "yaxis"): {"type": "log", "nticks": 5, "tickformat": "~g"}})
    return figure


def _absent(readings: Readings, without: str, *, grouped: bool = True) -> Missing:
    """Why there is nothing: no group, no cloud in the network to ask for it (the reason `without`), or not measured."""
    if readings.absence == "missing.not_measured":
        if grouped and readings.group is None:
            return Missing("missing.random_labels" if readings.run.config.random_labels else "missing.no_group")
        if not any(readings.clouds.values()):
            return Missing(without)
    return Missing(readings.absence)


def _truth(readings: Readings) -> int | None:
    return readings.run.config.build_task().truth.intrinsic_dimension


def _gaps(readings: Readings, series: Series | Missing) -> Series | Missing:
    """The series with a gap at each checkpoint without an answer: a line across it would be one."""
    if isinstance(series, Missing):
        return series
    steps = np.union1d(series[0], readings.checkpoints).astype(np.int64)
    values = np.full(len(steps), np.nan)
    values[np.isin(steps, series[0])] = series[1]
    return steps, values


def _of_tables(readings: Readings, measure: str) -> dict[str, Series]:
    """The series of the two tables, where they are."""
    found = {view: readings.series(measure, f"view={view}") for view in TABLES}
    return {view: series for view, series in found.items() if isinstance(series, tuple)}


def _tables(figure: "Figure", found: dict[str, Series], lang: Lang, axis: str, **style: str) -> None:
    """A line a table, in the same grey in all panels; each is once in the legend."""
    for view, series in found.items():
        name, dash = TABLES[view]
        named = any(getattr(trace, "legendgroup", None) == name for trace in figure.data)
        theme.line(figure, series, say(name, lang), theme.NEUTRAL, width=2.5, axis=axis, dash=dash, **style)
        figure.data[-1].update(legendgroup=name, showlegend=not named)


def _planes(readings: Readings) -> dict[tuple[str, str], tuple[Series, str]]:
    """By table and frequency the coherence and its colour: the frequencies strongest at the end, in their order."""
    found: dict[str, dict[str, Series]] = {}
    for view in readings.views("manifold.frequency_plane"):
        table, _, k = view.removeprefix("view=").partition(",frequency=")
        series = readings.series("manifold.frequency_plane", view)
        if table in TABLES and isinstance(series, tuple):
            found.setdefault(k, {})[table] = series
    strongest = sorted(found, key=lambda k: -max(float(values[-1]) for _, values in found[k].values()))[:MOST_CIRCLES]
    shown = [k for k in found if k in strongest]
    colours = dict(zip(shown, COLOURS * len(shown), strict=False))
    return {(view, k): (series, colours[k]) for k in shown for view, series in found[k].items()}


def _chances(figure: "Figure", readings: Readings, lang: Lang, axis: dict[str, str]) -> None:
    """What random rows of residues give: in 97.5 % coherence below 1.96 / sqrt(2 p); equivariance 1 / (p - 2)."""
    if not readings.cyclic:
        return
    p = readings.run.config.build_task().n_classes
    chance = {"axis.coherence": 1.96 / math.sqrt(2 * p), "axis.equivariance": 1 / (p - 2)}
    for index, title in enumerate(title for title in chance if title in axis):
        theme.level(figure, readings, chance[title], say("series.chance", lang), axis=axis[title])
        figure.data[-1].update(legendgroup="chance", showlegend=index == 0, line_color=theme.PINK)


def _accuracy(figure: "Figure", readings: Readings, lang: Lang) -> None:
    colour, dash = theme.SPLITS["test"]
    series = readings.series("behaviour.test_accuracy")
    theme.line(figure, series, say("series.test_accuracy", lang), colour, dash=dash, width=1.5)

"""Survival curves: the share of runs not yet generalised, against the step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.words import Lang, say
from grokscope.statistics.survival import Curve

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BAND_OPACITY, ALL_BANDS = 0.12, 0.36  # of one band, and of all that lie over each other: the curves stay readable


@draws("study")
def survival(curves: Mapping[str, Curve], lang: Lang = "en") -> "Figure":
    """One falling staircase an arm, with its band; a tick where runs are censored.

    curves: name of the arm -> curve of its generalisation times in steps, all above 0. A band hides and shows with its
    curve. ValueError without a curve, and for a time that has no place on a logarithmic axis.
    """
    if not curves:
        raise ValueError("expected at least one curve, got none")
    times = np.concatenate([curve.times for curve in curves.values()])
    if times.min() <= 0:
        raise ValueError(f"times must lie above 0 for a logarithmic axis, got {times.min():g}")
    # Half an octave of the time before anything happened; the axis ends where the last run was watched.
    start, end = float(times.min() / np.sqrt(2)), float(times.max())
    figure = steps.blank(430)
    opacity = min(BAND_OPACITY, ALL_BANDS / len(curves))
    for place, (name, curve) in enumerate(curves.items()):
        _arm(figure, curve, start, name, theme.look(place), opacity=opacity)
    margin = 0.01 * np.log10(end / start)
    figure.update_xaxes(
        type="log", range=[np.log10(start), np.log10(end) + margin], dtick=steps.log_ticks([start, end]),
        tickformat=",d", hoverformat=",d", title={"text": say("axis.step", lang)},
        minor={"dtick": "D1", "ticks": "outside", "ticklen": 3},
    )  # fmt: skip
    figure.update_yaxes(range=[-0.03, 1.03], tickformat=".0%", title={"text": say("axis.not_generalised", lang)})
    figure.update_layout(meta={"steps": True})
    return figure


def _arm(figure: "Figure", curve: Curve, start: float, name: str, look: tuple[str, str], *, opacity: float) -> None:
    """Band, curve and censoring marks of one arm."""
    colour, dash = look
    x = [start, *curve.times.tolist()]
    low, high = ([1.0, *end.tolist()] for end in (curve.low, curve.high))
    shared = {"legendgroup": name, "hoverinfo": "skip", "showlegend": False}
    # Out along the upper edge and back along the lower one, as staircases; before the first time nothing is known.
    corners = np.repeat(np.arange(1, len(x)), 2)
    right = np.append(corners[1:], corners[-1])
    edge = [x[i] for i in right]
    figure.add_scatter(
        x=edge + edge[::-1], y=[high[i] for i in corners] + [low[i] for i in corners][::-1], mode="lines",
        line={"width": 0}, fill="toself", fillcolor=colour, opacity=opacity, **shared,
    )  # fmt: skip
    figure.add_scatter(
        x=x, y=[1.0, *curve.survival.tolist()], name=name, mode="lines", legendgroup=name,
        line={"color": colour, "shape": "hv", "dash": dash}, hovertemplate="%{y:.0%}",
    )  # fmt: skip
    censored = curve.n_censored > 0
    figure.add_scatter(
        x=curve.times[censored].tolist(), y=curve.survival[censored].tolist(), mode="markers",
        marker={"symbol": "line-ns-open", "size": 10, "color": colour, "line": {"width": 2}}, **shared,
    )  # fmt: skip

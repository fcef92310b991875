"""Axes of norms, and values with their interval."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.parts import steps
from grokscope.report.words import Lang, number, say
from grokscope.statistics.intervals import Effect

if TYPE_CHECKING:
    from plotly.graph_objects import Figure
TICKS = (1, 1.5, 2, 3, 4, 5, 6, 8)  # in every power of ten, on an axis shorter than one
BAND, MARK = 0.10, 0.16  # opacities of an interval and of what lies between its ends


def upright(
    figure: "Figure", effect: Effect, edges: tuple[float, float], name: str, *, colour: str, dash: str = "longdash"
) -> None:
    """A value on the x axis as an upright line over the band of its interval, named in the legend."""
    low, high = (effect.value if isinstance(end, Missing) else end for end in (effect.low, effect.high))
    line = {"color": colour, "width": 1.5, "dash": dash}
    figure.add_shape(
        type="rect", xref="x", yref="paper", x0=max(low, edges[0]), x1=min(high, edges[1]), y0=0, y1=1, layer="below",
        line={"width": 0}, fillcolor=colour, opacity=MARK,
    )  # fmt: skip
    figure.add_shape(
        type="line", xref="x", yref="paper", x0=effect.value, x1=effect.value, y0=0, y1=1, layer="below", line=line
    )
    figure.add_scatter(x=[None], y=[None], mode="lines", name=name, hoverinfo="skip", line=line)


def interval(effect: Effect, lang: Lang, shown: Callable[[float], str] = number) -> str:
    """A value with its interval in brackets, where it has one."""
    if isinstance(effect.low, Missing) or isinstance(effect.high, Missing):
        return shown(effect.value)
    return say("number.interval", lang, value=shown(effect.value), low=shown(effect.low), high=shown(effect.high))


def edges(norms: np.ndarray) -> tuple[float, float]:
    """The ends of a logarithmic axis, a little beyond the norms."""
    beyond = (norms.max() / norms.min()) ** 0.04 if norms.max() > norms.min() else 1.5
    return float(norms.min() / beyond), float(norms.max() * beyond)


def axis(figure: "Figure", edges: tuple[float, float], title: str) -> None:
    """A logarithmic axis of norms between two ends."""
    figure.update_xaxes(
        type="log", range=np.log10(edges).tolist(), tickformat="~g", hoverformat=".3g", title={"text": title}
    )
    if edges[1] > 10 * edges[0]:
        minor = {"dtick": "D1", "ticks": "outside", "ticklen": 3}
        figure.update_xaxes(dtick=steps.log_ticks(edges), minor=minor)
    else:  # Plotly's own ticks would be one or two
        powers = range(int(np.floor(np.log10(edges[0]))), int(np.ceil(np.log10(edges[1]))) + 1)
        ticks = [tick * 10.0**power for power in powers for tick in TICKS]
        figure.update_xaxes(tickvals=[tick for tick in ticks if edges[0] <= tick <= edges[1]])

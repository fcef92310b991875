"""Groups of runs over each other: the median of each with the band of its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BAND_OPACITY = 0.14


@dataclass(frozen=True, kw_only=True, eq=False)
class Band:
    """The values of a group of runs: the median at each step, and the ends of its band; NaN where no run has one."""

    steps: NDArray[np.int64]
    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """train, test: accuracies, or losses where no answer is right or wrong."""

    name: str
    n: int
    train: Band
    test: Band


@dataclass(frozen=True, kw_only=True)
class Compared:
    """quantity: "accuracy" or "loss". inputs: what the test curve is of, "fresh" or "test"."""

    groups: Sequence[Group]
    quantity: str
    inputs: str


@draws("study")
def compared(of: Compared, lang: Lang = "en") -> "Figure":
    """The test curve of each group, and below it the train curve. ValueError without a group."""
    if not of.groups:
        raise ValueError("expected at least one group of runs, got none")
    figure = steps.blank(560)
    for place, group in enumerate(of.groups):
        for band, axis in ((group.test, "y"), (group.train, "y2")):
            _draw(figure, band, group.name, theme.look(place), axis=axis, banded=group.n > 1, of=of)
    last = max(int(group.test.steps[-1]) for group in of.groups)
    first = min(int(group.test.steps[group.test.steps > 0][0]) for group in of.groups)
    scale = {"range": [-0.03, 1.03], "tickformat": ".0%"} if of.quantity == "accuracy" else {"type": "log"}
    titles = [say(f"axis.{name}_{of.quantity}", lang) for name in (of.inputs, "train")]
    figure.update_layout(
        xaxis={
            "type": "log", "range": [float(np.log10(first)), float(np.log10(max(last, 2 * first))) + 0.02], "dtick": 1,
            "tickformat": ",d", "hoverformat": ",d", "title": {"text": say("axis.step", lang)}, "anchor": "y2",
            "minor": {"dtick": "D1", "ticks": "outside", "ticklen": 3},
        },
        yaxis={"domain": [0.42, 1], "anchor": "x", "title": {"text": titles[0]}, **scale},
        yaxis2={"domain": [0, 0.34], "anchor": "x", "title": {"text": titles[1]}, **scale}, meta={"steps": True},
    )  # fmt: skip
    return figure


def _draw(
    figure: "Figure", band: Band, name: str, look: tuple[str, str], *, axis: str, banded: bool, of: Compared
) -> None:
    """The median as a line, and the band of a group of several runs behind it."""
    drawn = (band.steps > 0) & np.isfinite(band.median)
    x, colour, dash = band.steps[drawn].tolist(), *look
    if banded:
        low, high = band.low[drawn].tolist(), band.high[drawn].tolist()
        figure.add_scatter(
            x=x + x[::-1], y=high + low[::-1], mode="lines", line={"width": 0}, fill="toself", fillcolor=colour,
            opacity=BAND_OPACITY, legendgroup=name, hoverinfo="skip", showlegend=False, yaxis=axis,
        )  # fmt: skip
    figure.add_scatter(
        x=x, y=band.median[drawn].tolist(), mode="lines", name=name, legendgroup=name, showlegend=axis == "y",
        line={"color": colour, "dash": dash}, yaxis=axis,
        hovertemplate="%{y:.1%}" if of.quantity == "accuracy" else "%{y:.3g}",
    )  # fmt: skip

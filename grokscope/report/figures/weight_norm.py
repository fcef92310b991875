"""The norm of all weights, and of each weight tensor."""

from typing import TYPE_CHECKING

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@draws("run", shaded=True, weights=False)
def weight_norm(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The 2-norm of all weights, and of each weight tensor."""
    series = readings.series("weights.norm")
    if isinstance(series, Missing):
        return series
    figure = steps.stack(readings, lang, ["axis.norm"], shares=[1], height=430)
    steps.line(figure, series, say("series.all_weights", lang), theme.NEUTRAL, width=4)
    views = readings.views("weights.norm_by_tensor")
    # Biases and positions are small: their curves are a click away instead of crowding the bottom.
    for view, colour in zip(views, theme.SERIES * (len(views) // len(theme.SERIES) + 1), strict=False):
        name = view.removeprefix("tensor=")
        steps.line(figure, readings.series("weights.norm_by_tensor", view), name, colour, width=1.6)
        figure.data[-1].visible = "legendonly" if name.startswith("b_") or name == "W_pos" else True
    figure.update_yaxes(rangemode="tozero")
    return figure

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


TENSORS = "weights.norm_by_tensor"
SHOWN = 4  # tensors: more curves at once cannot be told apart


@draws("run", shaded=True, weights=False)
def weight_norm(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The 2-norm of all weights, and of each weight tensor: the largest are shown, others when they are asked for."""
    series = readings.series("weights.norm")
    if isinstance(series, Missing):
        return series
    figure = steps.stack(readings, lang, ["axis.norm"], shares=[1], height=430)
    steps.line(figure, series, say("series.all_weights", lang), theme.NEUTRAL, width=4)
    tensors = {view.removeprefix("tensor="): readings.series(TENSORS, view) for view in readings.views(TENSORS)}
    ends = {name: float(own[1][-1]) for name, own in tensors.items() if isinstance(own, tuple)}
    for place, name in enumerate(sorted(ends, key=lambda name: -ends[name])):
        colour, dash = theme.look(place)
        steps.line(figure, tensors[name], name, colour, width=2, dash=dash, shown=place < SHOWN)
    figure.update_yaxes(rangemode="tozero")
    return figure

"""How sparse the embedding and the neuron-logit map are in frequency."""

from typing import TYPE_CHECKING

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@draws("run", shaded=True)
def gini(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """How sparse the embedding and the neuron-logit map are in frequency."""
    if (reason := readings.no_waves) is not None:
        return reason
    curves = {
        "series.embedding": (readings.series("circuits.gini_embedding"), theme.BLUE),
        "series.neuron_logit": (readings.series("circuits.gini_neuron_logit"), theme.ORANGE),
    }
    if all(isinstance(series, Missing) for series, _ in curves.values()):
        return Missing(readings.absence)
    figure = steps.stack(readings, lang, ["axis.gini"], shares=[1], height=380)
    for name, (series, colour) in curves.items():
        steps.line(figure, series, say(name, lang), colour)
    figure.update_yaxes(range=[0, 1.02])
    return figure

"""The share of the logits that follows the rule, beside accuracy, and the strongest loop."""

from typing import TYPE_CHECKING

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import elements, steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@draws("run", shaded=True)
def order(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The share of the logits that follows the rule, beside accuracy; below, the strongest loop's death / birth."""
    shares = {split: readings.series("manifold.harmonic_share", f"split={split}") for split in ("all", "test")}
    ratios = elements.of_tables(readings, "manifold.persistence_ratio")
    above = any(isinstance(series, tuple) for series in shares.values())
    if not above and not ratios:
        return elements.absent(readings, "missing.no_table")
    titles = ["axis.share"] * above + ["axis.ratio"] * bool(ratios)
    parts = [0.6, 0.4] if len(titles) == 2 else [1]
    figure = steps.stack(readings, lang, titles, shares=parts, height=180 + 190 * len(titles))
    if above:
        _accuracy(figure, readings, lang)
        for (split, series), (colour, dash) in zip(
            shares.items(), ((theme.BLUE, "solid"), (theme.SKY, "dash")), strict=True
        ):
            steps.line(figure, series, say(f"series.harmonic_{split}", lang), colour, dash=dash)
        figure.update_layout(yaxis={"range": [-0.03, 1.03]})
    if ratios:
        axis = "y2" if above else "y"
        elements.draw(figure, ratios, lang, axis, mode="lines+markers")
        steps.level(figure, readings, 1, say("series.no_loop", lang), axis=axis, dash="dash")
        figure.update_layout({axis.replace("y", "yaxis"): {"type": "log", "nticks": 5, "tickformat": "~g"}})
    return figure


def _accuracy(figure: "Figure", readings: Readings, lang: Lang) -> None:
    colour, dash = theme.SPLITS["test"]
    series = readings.series("behaviour.test_accuracy")
    steps.line(figure, series, say("series.test_accuracy", lang), colour, dash=dash, width=1.5)

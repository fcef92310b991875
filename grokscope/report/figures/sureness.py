"""How sure the verdicts are."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from grokscope.errors import Missing
from grokscope.predictions.cards import Row
from grokscope.report.figures.base import draws
from grokscope.report.page import theme
from grokscope.report.words import Lang, say
from grokscope.statistics.regions import Region

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLOURS = {"supported": theme.GREEN, "refuted": theme.ORANGE, "undecided": theme.NEUTRAL}
BAR = 22  # pixels a row of the figure
FARTHEST = 8.0  # the smallest p-value that is told from 0 is 1e-8 (statistics.regions)


@draws("study")
def sureness(rows: Sequence[Row], lang: Lang = "en") -> "Figure | Missing":
    """Bars of -log10 p after correction, signed by the region that the effect lies in."""
    tested = [row for row in rows if row.adjusted is not None and row.effect is not None]
    if not tested:
        return Missing(say("missing.tested", lang))
    figure = theme.blank(70 + BAR * len(tested))
    for verdict, colour in COLOURS.items():
        chosen = [row for row in tested if row.verdict == verdict]
        if chosen:
            figure.add_bar(
                x=[_signed(row) for row in chosen], y=[row.name for row in chosen], orientation="h",
                marker={"color": colour}, showlegend=False, hovertemplate="%{y}<extra></extra>",
            )  # fmt: skip
    for end in (-1, 1):
        figure.add_vline(x=-end * math.log10(0.05), line={"dash": "dot", "color": theme.INK, "width": 1})
    figure.update_yaxes(
        categoryorder="array", categoryarray=[row.name for row in reversed(tested)], tickfont={"size": 11}
    )
    figure.update_xaxes(title={"text": "−log10 p"}, zeroline=True, zerolinecolor=theme.INK)
    figure.update_layout(bargap=0.35)
    return figure


def _signed(row: Row) -> float:
    assert row.adjusted is not None
    assert row.effect is not None
    size = min(FARTHEST, -math.log10(max(row.adjusted, 1e-300)))
    if Region(row.supports).contains(row.effect, row.effect):
        return size
    return -size if Region(row.refutes).contains(row.effect, row.effect) else 0.0

"""One number along a family of arms: a delay over alpha, a time over the rank."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.words import Lang, say, told
from grokscope.studies.tables.base import Along

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDE = 10.0  # ratio of the ends from which an axis is logarithmic


@draws("study")
def along(family: Along, lang: Lang = "en") -> "Figure | Missing":
    """A mark a seed and the median as a line; the hover says how many seeds have no number.

    An axis is logarithmic where all on it is above 0 and its ends differ tenfold. `Missing` without a number.
    """
    known = [value for sample in family.samples for value in sample]
    if not known:
        return Missing(say("missing.nothing", lang))
    figure = theme.blank(420)
    marks = [
        (at, value, lacking)
        for at, sample, lacking in zip(family.values, family.samples, family.lacking, strict=True)
        for value in sample
    ]
    figure.add_scatter(
        x=[at for at, _, _ in marks], y=[value for _, value, _ in marks], mode="markers",
        name=say("series.seeds", lang), marker={"color": theme.BLUE, "size": 8, "opacity": 0.6},
        hovertemplate="%{x:.3g}: %{y:.3g}<extra>%{text}</extra>",
        text=[say("series.lacking", lang, n=lacking) if lacking else "" for _, _, lacking in marks],
    )  # fmt: skip
    medians = [float(np.median(sample)) if len(sample) else None for sample in family.samples]
    figure.add_scatter(
        x=list(family.values), y=medians, mode="lines", line={"color": theme.INK}, hoverinfo="skip",
        name=say("series.median_of_seeds", lang),
    )  # fmt: skip
    figure.update_xaxes(title={"text": family.axis}, **_scale(family.values))
    figure.update_yaxes(title={"text": told(family.quantity, lang)}, **_scale(known))
    return figure


def _scale(values: Sequence[float]) -> dict[str, Any]:
    if min(values) > 0 and max(values) >= WIDE * min(values):
        return {"type": "log", "dtick": steps.log_ticks(values), "tickformat": "~g"}
    return {}

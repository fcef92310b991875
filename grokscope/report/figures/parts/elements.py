"""What is read of a network for several figures: the two tables of a group's elements, and centred logits."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float64

from grokscope.errors import Missing
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings, Series
from grokscope.report.words import Lang, say
from grokscope.runs.snapshot import Snapshot

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


# The two tables of the group's elements that are compared, by name and kind of line.
TABLES = {"embed/tokens": ("series.embedding", "solid"), "resid_mid/class_means": ("series.class_means", "dot")}


def centred_logits(snapshot: Snapshot) -> Float64[torch.Tensor, "pair class"]:
    """The logits less each input's mean, which a softmax does not see."""
    values = snapshot.logits.detach().double()
    return values - values.mean(1, keepdim=True)


def absent(readings: Readings, without: str, *, grouped: bool = True) -> Missing:
    """Why there is nothing: no group, no cloud in the network to ask for it (the reason `without`), or not measured."""
    if readings.absence == "missing.not_measured":
        if grouped and readings.group is None:
            return Missing("missing.random_labels" if readings.run.config.random_labels else "missing.no_group")
        if not any(readings.clouds.values()):
            return Missing(without)
    return Missing(readings.absence)


def of_tables(readings: Readings, measure: str) -> dict[str, Series]:
    """The series of the two tables, where they are."""
    found = {view: readings.series(measure, f"view={view}") for view in TABLES}
    return {view: series for view, series in found.items() if isinstance(series, tuple)}


def draw(figure: "Figure", found: dict[str, Series], lang: Lang, axis: str, **style: str) -> None:
    """A line a table, in the same grey in all panels; each is once in the legend."""
    for view, series in found.items():
        name, dash = TABLES[view]
        named = any(getattr(trace, "legendgroup", None) == name for trace in figure.data)
        steps.line(figure, series, say(name, lang), theme.NEUTRAL, width=2.5, axis=axis, dash=dash, **style)
        figure.data[-1].update(legendgroup=name, showlegend=not named)

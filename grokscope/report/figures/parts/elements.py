"""What several figures read of a network: the two tables of a group's elements, and centred logits."""

from typing import TYPE_CHECKING, Any

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


# The two tables of the group's elements: name and kind of line.
TABLES = {"embed/tokens": ("series.embedding", "solid"), "resid_mid/class_means": ("series.class_means", "dot")}

OF_ELEMENTS = ("/tokens", "/class_means")  # points of a site that are elements of the group


def centred_logits(snapshot: Snapshot) -> Float64[torch.Tensor, "pair class"]:
    """The logits less each input's mean, which a softmax ignores."""
    values = snapshot.logits.detach().double()
    return values - values.mean(1, keepdim=True)


def absent(readings: Readings, without: str, *, grouped: bool = True) -> Missing:
    """The reason for an empty figure: no group, no cloud in the network (the reason `without`), or not measured."""
    if readings.absence == "missing.not_measured":
        if grouped and readings.group is None:
            return readings.without_truth("missing.no_group")
        if not any(readings.clouds.values()):
            return Missing(without)
    return Missing(readings.absence)


def of_tables(readings: Readings, measure: str) -> dict[str, Series]:
    """The series of the two tables, where they are; of a network with sites of its own names those of its tables."""
    views = [view.removeprefix("view=") for view in readings.views(measure)]
    own = [view for view in views if view.endswith(OF_ELEMENTS)]
    tables = {view: readings.series(measure, f"view={view}") for view in TABLES if view in views} or {
        view: readings.series(measure, f"view={view}") for view in own
    }
    return {view: series for view, series in tables.items() if isinstance(series, tuple)}


def named(view: str, lang: Lang, place: int = 0) -> tuple[str, str]:
    """The name of a table and its kind of line. place: among tables without words, which their lines tell apart."""
    if view not in TABLES:
        return view, theme.DASHES[place % len(theme.DASHES)]
    key, dash = TABLES[view]
    return say(key, lang), dash


def draw(figure: "Figure", tables: dict[str, Series], lang: Lang, axis: str, **style: Any) -> None:
    """A line a table, in the same grey in all panels; the legend has each once."""
    for place, (view, series) in enumerate(tables.items()):
        name, dash = named(view, lang, place)
        listed = any(getattr(trace, "legendgroup", None) == view for trace in figure.data)
        steps.line(figure, series, name, theme.NEUTRAL, width=2.5, axis=axis, dash=dash, **style)
        figure.data[-1].update(legendgroup=view, showlegend=not listed)

"""How evenly each head divides its attention."""

import functools
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings, Series
from grokscope.report.words import Lang, say
from grokscope.statistics.contrasts import low_high_mid

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# The line of a level that stands at one step reaches this factor of steps to either side: wide enough to be seen.
MARK = 1.15


@draws("run", shaded=True)
def attention_entropy(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The normalised entropy of each head's attention and of their mean, with its levels; 1 is uniform."""
    views = readings.views("attention.entropy")
    if not views:
        return Missing("missing.no_attention" if readings.numbers else readings.absence)
    figure = steps.stack(readings, lang, ["axis.entropy"], shares=[1], height=400)
    steps.level(figure, readings, 1, say("series.uniform", lang))
    for view, colour in zip(views, theme.SERIES * len(views), strict=False):
        head = view.removeprefix("head=")
        steps.line(figure, readings.series("attention.entropy", view), say("series.head", lang, head=head), colour)
    mean = _mean([series for view in views if isinstance(series := readings.series("attention.entropy", view), tuple)])
    steps.line(figure, mean, say("series.heads_mean", lang), theme.NEUTRAL, width=4)
    _levels(figure, readings, mean, lang)
    figure.update_yaxes(range=[0, 1.06])
    return figure


def _mean(series: list[Series]) -> Series:
    """The mean of several series at the steps that all of them have."""
    steps = functools.reduce(np.intersect1d, (at for at, _ in series))
    return steps, np.mean([values[np.isin(at, steps)] for at, values in series], axis=0)


def _levels(figure: "Figure", readings: Readings, mean: Series, lang: Lang) -> None:
    """The three levels of a mean entropy as short lines; the legend compares them, beyond the fluctuation or not."""
    mem, gen = readings.phases.memorized_at, readings.phases.generalized_at
    levels = low_high_mid(*mean, memorized_at=mem, generalized_at=gen)
    if isinstance(levels, Missing) or mem is None or gen is None:
        return
    signs = dict(zip(("rise", "fall", "rest"), ({1: ">", 0: "≈", -1: "<"}[sign] for sign in levels.signs), strict=True))
    marks = {"low": (mem, levels.low), "high": (levels.high_at, levels.high), "mid": (gen, levels.mid)}
    first, last = (10**edge for edge in steps.log_range(readings))
    x, y, names = [], [], []
    for name, (step, value) in marks.items():
        # "mid" is drawn over the steps of which it is the mean, its name above. The names of the others stand to the
        # left, where the curve has come from above (low) or from below (high).
        start, end = (step, last) if name == "mid" else (step / MARK, step * MARK)
        start, end = max(start, first), min(end, last)
        x += [start, (start * end) ** 0.5, end, None]
        y += [value] * 3 + [None]
        label = say(f"level.{name}", lang)
        names += ["", label, "", ""] if name == "mid" else [f"{label} ", "", "", ""]
    where = ["middle left"] * 8 + ["top center"] * 4
    figure.add_scatter(
        x=x, y=y, text=names, textposition=where, mode="lines+text", line={"color": theme.RED, "width": 4},
        name=say("series.levels", lang, **signs), hoverinfo="skip",
    )  # fmt: skip

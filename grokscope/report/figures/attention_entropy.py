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
EDGE = 0.25  # decades: a name that begins nearer to the right edge would be cut off


@draws("run", shaded=True)
def attention_entropy(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The normalised entropy of each head's attention and of their mean, with its levels; 1 is uniform."""
    views = readings.views("attention.entropy")
    if not views:
        return Missing("missing.no_attention" if readings.numbers else readings.absence)
    figure = steps.stack(readings, lang, ["axis.entropy"], shares=[1], height=400)
    steps.level(figure, readings, 1, say("series.uniform", lang))
    for place, view in enumerate(views):
        head, (colour, dash) = view.removeprefix("head="), theme.look(place)
        name = say("series.head", lang, head=head)
        steps.line(figure, readings.series("attention.entropy", view), name, colour, dash=dash)
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
    for name, (step, value) in marks.items():
        # "mid" is drawn over the steps of which it is the mean, the others at their one step.
        start, end = (step, last) if name == "mid" else (step / MARK, step * MARK)
        start, end = max(start, first), min(end, last)
        figure.add_scatter(
            x=[start, (start * end) ** 0.5, end], y=[value] * 3, mode="lines", line={"color": theme.RED, "width": 4},
            name=say("series.levels", lang, **signs), showlegend=name == "low", legendgroup="levels", hoverinfo="skip",
        )  # fmt: skip
    _labels(figure, marks, last, lang)


def _labels(figure: "Figure", marks: dict[str, tuple[int, float]], last: float, lang: Lang) -> None:
    """The names of the levels: each below its own line, but the highest of them above it, so that no two meet; one
    near the right edge begins to the left of it."""
    top = max(marks, key=lambda name: marks[name][1])
    ups = ["top" if name == top else "bottom" for name in marks]
    sides = ["left" if np.log10(last / step) < EDGE else "right" for step, _ in marks.values()]
    figure.add_scatter(
        x=[step for step, _ in marks.values()], y=[value for _, value in marks.values()], mode="text",
        text=[say(f"level.{name}", lang) for name in marks], showlegend=False, hoverinfo="skip",
        textposition=[f"{up} {side}" for up, side in zip(ups, sides, strict=True)], textfont={"size": 13},
    )  # fmt: skip

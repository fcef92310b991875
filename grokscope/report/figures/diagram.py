"""The persistence diagrams of the two tables of elements, through training."""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.numerics.topology import betti
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import elements, panels, steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Points, Readings, spread
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Persistence with its surrogates takes 0.04 s a table of 59 points, 0.12 s of 113, and grows with the cube. Each
# checkpoint has two tables. MOST checkpoints take seconds; above LARGE points there are as many fewer, down to FEWEST.
MOST, LARGE, FEWEST = 30, 80, 5
NOTHING = {"x": [None], "y": [None]}  # a trace without a point at all would leave the legend
SIDE = 440  # pixels: two panels of it side by side fill the page
LEVEL = 0.05
MOST_NULL = 200  # loops of the surrogates that are shown: more hide each other, and the file grows with each
TICKS = 24  # pixels of the numbers below an axis
MOVING = 4  # traces of a panel that change with the step


@dataclass(frozen=True, kw_only=True)
class Diagram:
    """The loops of a cloud as (birth, death), in units of the largest finite death of H0.

    bars, significant: loops that chance explains, and other loops. null: loops of the surrogates, at most MOST_NULL.
    detectable: the death / birth from which a loop is significant; None where there is no such law.
    """

    bars: Float[np.ndarray, "bar 2"]
    significant: Float[np.ndarray, "bar 2"]
    null: Float[np.ndarray, "bar 2"]
    detectable: float | None


@draws("run")
def diagram(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Birth and death of the loops of the two tables of elements, with the line beyond which they are significant."""
    diagrams = _diagrams(readings)
    if not diagrams:
        return Missing("missing.no_table" if readings.clouds else "missing.no_checkpoint")
    views = [view for view in elements.TABLES if any(view in tables for tables in diagrams.values())]
    every = [of for tables in diagrams.values() for of in tables.values()]
    corners = np.concatenate([*(bars for of in every for bars in (of.bars, of.significant, of.null)), np.ones((1, 2))])
    low, right, high = 0.9 * corners.min(), 1.25 * corners[:, 0].max(), 1.25 * corners[:, 1].max()
    seen = {step: [_traces(tables.get(view), low, high) for view in views] for step, tables in diagrams.items()}
    figure = theme.blank()
    for index, parts in enumerate(seen[max(seen)]):
        for part, style in zip(parts, _styles(lang), strict=True):
            figure.add_scatter(**style, **part, **panels.axes(index), legendgroup=style["name"], showlegend=not index)
    for index in range(len(views)):
        name = say("series.diagonal", lang)
        figure.add_scatter(
            x=[low, right], y=[low, right], mode="lines", line={"color": theme.NEUTRAL, "width": 1}, name=name,
            hoverinfo="skip", legendgroup=name, showlegend=not index, **panels.axes(index),
        )  # fmt: skip
    _place(figure, views, (low, right), (low, high), lang)
    panels.animate(figure, {step: list(itertools.chain(*tables)) for step, tables in seen.items()}, lang)
    return figure


def _place(
    figure: "Figure", views: list[str], across: tuple[float, float], up: tuple[float, float], lang: Lang
) -> None:
    """The panels side by side, on logarithmic axes between two ends."""
    panels.arrange(figure, len(views), columns=2, narrow=1, side=SIDE, gaps=(0.1, 0.14))
    shared = {"type": "log", "tickformat": "~g"}
    figure.layout.height += TICKS
    figure.update_layout(margin={"b": figure.layout.margin.b + TICKS})
    figure.layout.meta = {**figure.layout.meta, "below": panels.BELOW + TICKS}
    for index, view in enumerate(views):
        suffix = panels.axes(index)["xaxis"][1:]
        title = say("axis.birth", lang, table=say(elements.TABLES[view][0], lang))
        birth = {"anchor": f"y{suffix}", "title": {"text": title, "standoff": 4}}
        death = {"anchor": f"x{suffix}", "title": {"text": say("axis.death", lang)}}
        figure.update_layout(
            {f"xaxis{suffix}": shared | _span(*across) | birth, f"yaxis{suffix}": shared | _span(*up) | death}
        )


def _diagrams(readings: Readings) -> dict[int, dict[str, Diagram]]:
    """By checkpoint the diagrams of the tables that have one."""
    tables = {
        step: {view: seen[view] for view in elements.TABLES if view in seen} for step, seen in readings.clouds.items()
    }
    largest = max((len(points) for of_step in tables.values() for points in of_step.values()), default=0)
    steps = spread(list(tables), max(FEWEST, int(MOST * min(1.0, LARGE / max(largest, 1)) ** 3)))
    diagrams: dict[int, dict[str, Diagram]] = {}
    for step in steps:
        for view, points in tables[step].items():
            if (of_table := _diagram(points)) is not None:
                diagrams.setdefault(step, {})[view] = of_table
    return diagrams


def _diagram(points: Points) -> Diagram | None:
    """None for fewer points than a Betti number needs, or more than homology takes."""
    homology = betti(points, 1, LEVEL)
    if isinstance(homology, Missing):
        return None
    (components, loops), p_values, null = homology.bars[:2], homology.p_values[1], homology.null[1]
    detectable = homology.detectable[1]
    if isinstance(components, Missing) or isinstance(loops, Missing):
        return None
    if isinstance(p_values, Missing) or isinstance(null, Missing):
        return None
    unit, certain = components[1, 1], p_values < LEVEL
    ratio = None if isinstance(detectable, Missing) else detectable
    shown = null[np.linspace(0, len(null) - 1, min(len(null), MOST_NULL)).round().astype(int)]
    return Diagram(bars=loops[~certain] / unit, significant=loops[certain] / unit, null=shown / unit, detectable=ratio)


def _traces(of: Diagram | None, low: float, high: float) -> list[dict[str, Any]]:
    """The moving traces of a panel: loops of the surrogates, loops that chance explains, other loops, and the line."""
    if of is None:
        return [NOTHING] * MOVING
    loops = []
    for bars in (of.null, of.bars, of.significant):
        x, y = np.round(bars, 3).T.tolist()
        loops.append({"x": x, "y": y} if len(bars) else NOTHING)
    if of.detectable is None:
        return [*loops, NOTHING]
    ends = np.array([low, high / of.detectable])
    return [*loops, {"x": ends.tolist(), "y": (ends * of.detectable).tolist()}]


def _span(low: float, high: float) -> dict[str, Any]:
    """Range and ticks of a logarithmic axis; within a few factors its usual ticks, 1, 2 and 5, would be too few."""
    ticks = {"dtick": steps.log_ticks([low, high])} if high > 6 * low else {"nticks": 5}
    return {"range": np.log10([low, high]).tolist(), "tickangle": 0} | ticks


def _styles(lang: Lang) -> list[dict[str, Any]]:
    hover = "%{x:.3g}, %{y:.3g}<extra></extra>"
    return [
        {
            "name": say("series.loops_null", lang), "mode": "markers", "hoverinfo": "skip",
            "marker": {"size": 4, "color": theme.NEUTRAL, "opacity": 0.45},
        },
        {
            "name": say("series.loops", lang), "mode": "markers", "hovertemplate": hover,
            "marker": {"symbol": "circle-open", "size": 8, "color": theme.BLUE, "line": {"width": 1.5}},
        },
        {
            "name": say("series.loops_significant", lang), "mode": "markers", "hovertemplate": hover,
            "marker": {"size": 11, "color": theme.ORANGE},
        },
        {
            "name": say("series.threshold", lang), "mode": "lines", "hoverinfo": "skip",
            "line": {"color": theme.ORANGE, "width": 1.5, "dash": "dash"},
        },
    ]  # fmt: skip

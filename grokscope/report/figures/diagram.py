"""The persistence diagrams of the two tables of elements, through training."""

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

# Persistence with its surrogates, two tables a checkpoint, takes 0.04 s a table of 59 points, 0.12 s of 113, and grows
# with the cube. MOST checkpoints take seconds; above LARGE points there are as many fewer, down to FEWEST.
MOST, LARGE, FEWEST = 30, 80, 5
NOTHING = {"x": [None], "y": [None]}  # a trace without a point at all would leave the legend
SIDE = 440  # pixels: two panels of it side by side fill the page
LEVEL = 0.05
MOVING = 4  # traces of a panel that change with the step


@dataclass(frozen=True, kw_only=True)
class Diagram:
    """The loops of a cloud as (birth, death), over the largest finite death of H0, and those that are significant.

    null: those of its surrogates. detectable: the death / birth from which on a loop would be significant; None where
    there is no such law.
    """

    bars: Float[np.ndarray, "bar 2"]
    significant: Float[np.ndarray, "bar 2"]
    null: Float[np.ndarray, "bar 2"]
    detectable: float | None


@draws("run")
def diagram(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Birth and death of the loops of the two tables of elements, with the line beyond which they are significant."""
    from plotly.graph_objects import Frame

    found = _diagrams(readings)
    if not found:
        return Missing("missing.no_table" if readings.clouds else "missing.no_checkpoint")
    views = [view for view in elements.TABLES if any(view in seen for seen in found.values())]
    drawn = [
        bars for seen in found.values() for each in seen.values() for bars in (each.bars, each.significant, each.null)
    ]
    corners = np.concatenate([*drawn, np.ones((1, 2))])
    low, right, high = 0.9 * corners.min(), 1.25 * corners[:, 0].max(), 1.25 * corners[:, 1].max()
    seen = {step: [_traces(each.get(view), low, high) for view in views] for step, each in found.items()}
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
    figure.frames = [
        Frame(name=str(step), data=[part for parts in both for part in parts], traces=list(range(MOVING * len(views))))
        for step, both in seen.items()
    ]
    panels.arrange(figure, len(views), columns=2, narrow=1, side=SIDE, gaps=(0.1, 0.14))
    for index, view in enumerate(views):
        suffix = panels.axes(index)["xaxis"][1:]
        shared = {"type": "log", "showgrid": True, "tickformat": "~g"}
        across, up = (shared | _span(low, end) for end in (right, high))
        title = say("axis.birth", lang, table=say(elements.TABLES[view][0], lang))
        figure.update_layout(
            {
                f"xaxis{suffix}": across | {"anchor": f"y{suffix}", "title": {"text": title, "standoff": 4}},
                f"yaxis{suffix}": up | {"anchor": f"x{suffix}", "title": {"text": say("axis.death", lang)}},
            }
        )
    panels.add_slider(figure, sorted(seen), lang)
    return figure


def _diagrams(readings: Readings) -> dict[int, dict[str, Diagram]]:
    """By checkpoint the diagrams of the tables that have one."""
    clouds = readings.clouds
    largest = max((len(seen[view]) for seen in clouds.values() for view in elements.TABLES if view in seen), default=0)
    steps = spread(list(clouds), max(FEWEST, int(MOST * min(1.0, LARGE / max(largest, 1)) ** 3)))
    found = {
        step: {
            view: each for view in elements.TABLES if view in clouds[step] and (each := _diagram(clouds[step][view]))
        }
        for step in steps
    }
    return {step: seen for step, seen in found.items() if seen}


def _diagram(points: Points) -> Diagram | None:
    """None for fewer points than a Betti number needs, or more than homology takes."""
    found = betti(points, 1, LEVEL)
    if isinstance(found, Missing):
        return None
    components, loops, p_values, detectable = found.bars[0], found.bars[1], found.p_values[1], found.detectable[1]
    null = found.null[1]
    if isinstance(components, Missing) or isinstance(loops, Missing):
        return None
    if isinstance(p_values, Missing) or isinstance(null, Missing):
        return None
    unit, certain = components[1, 1], p_values < LEVEL
    ratio = None if isinstance(detectable, Missing) else detectable
    return Diagram(bars=loops[~certain] / unit, significant=loops[certain] / unit, null=null / unit, detectable=ratio)


def _traces(found: Diagram | None, low: float, high: float) -> list[dict[str, Any]]:
    """What moves in a panel: the surrogates' loops, those that chance explains, those it does not, the line between."""
    if found is None:
        return [NOTHING] * MOVING
    loops = []
    for bars in (found.null, found.bars, found.significant):
        x, y = np.round(bars, 3).T.tolist()
        loops.append({"x": x, "y": y} if len(bars) else NOTHING)
    if found.detectable is None:
        return [*loops, NOTHING]
    ends = np.array([low, high / found.detectable])
    return [*loops, {"x": ends.tolist(), "y": (ends * found.detectable).tolist()}]


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

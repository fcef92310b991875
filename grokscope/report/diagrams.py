"""The clouds of points through training, and their persistence diagrams: figures with a slider over checkpoints.

Readings -> plotly Figure, or `Missing` with an id of `words`.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics.fourier import frequency_norms
from grokscope.numerics.topology import betti
from grokscope.report import frames, theme
from grokscope.report.readings import Points, Readings, spread
from grokscope.report.words import Lang, count, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TABLES = {"embed/tokens": "series.embedding", "resid_mid/class_means": "series.class_means"}
# Persistence with its surrogates, two tables a checkpoint, takes 0.04 s a table of 59 points, 0.12 s of 113, and grows
# with the cube. MOST checkpoints take seconds; above LARGE points there are as many fewer, down to FEWEST.
MOST, LARGE, FEWEST = 30, 80, 5
NOTHING = {"x": [None], "y": [None]}  # a trace without a point at all would leave the legend
SIDE = 440  # pixels: two panels of it side by side fill the page
LEVEL = 0.05
MOVING = 4  # traces of a panel that change with the step
Plane = Float[np.ndarray, "point axis=2"]


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


def cloud(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Inputs and class means of the stream in the middle, in the plane of the last class means' two widest directions.

    The plane is that of the last checkpoint at every step, both clouds are centred on the class means of their step,
    and a panel has one scale for all steps.
    """
    from plotly.graph_objects import Figure, Frame

    task = readings.run.config.build_task()
    if not task.n_classes:
        return Missing("missing.no_classes")
    views = ("resid_mid/orbits", "resid_mid/class_means")
    found = {step: [seen[view] for view in views] for step, seen in readings.clouds.items() if {*views} <= {*seen}}
    if not found:
        return Missing("missing.no_stream" if readings.clouds else "missing.no_checkpoint")
    final = found[max(found)][1]
    plane = np.linalg.svd(final - final.mean(0), full_matrices=False)[2][:2].T
    seen = {step: [(points - both[1].mean(0)) @ plane for points in both] for step, both in found.items()}
    reaches = [1.05 * max(float(np.abs(both[panel]).max()) for both in seen.values()) for panel in (0, 1)]
    k, first = _strongest(readings, final), np.unique(task.orbits.numpy(), return_index=True)[1][readings.orbits]
    classes = np.unique(task.labels.numpy())[-len(final) :]
    joined = _joined(classes, k, task.n_classes)
    colour = _Colour(k=k, n=task.n_classes)
    labels = task.labels.numpy()[first]
    about = [[*map(int, operands), int(c)] for operands, c in zip(task.inputs[first].tolist(), labels, strict=True)]
    figure = Figure()
    drawn = {step: _drawn(both, joined, reaches) for step, both in seen.items()}
    last = drawn[max(drawn)]
    figure.add_scatter(
        **last[0], **frames.axes(0), mode="markers", marker=colour(labels) | {"size": 5, "opacity": 0.75},
        **_hover(about), showlegend=False,
    )  # fmt: skip
    figure.add_scatter(
        **last[1], **frames.axes(1), mode="markers" if k is None else "lines+markers",
        marker=colour(classes[joined]) | {"size": 7}, line={"color": "rgba(128,128,128,0.55)", "width": 1},
        customdata=classes[joined].tolist(), hovertemplate="c = %{customdata}<extra></extra>", showlegend=False,
    )  # fmt: skip
    figure.frames = [Frame(name=str(step), data=both) for step, both in drawn.items()]
    total = int(task.orbits.max()) + 1
    titles = [
        say("axis.inputs", lang, n=count(len(first)), total=count(total)),
        say("axis.means", lang) if k is None else say("axis.means_joined", lang, k=k, p=task.n_classes),
    ]
    frames.squares(figure, titles, reaches, columns=2, narrow=1, side=SIDE)
    frames.add_slider(figure, sorted(seen), lang)
    return figure


def diagram(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Birth and death of the loops of the two tables of elements, with the line beyond which they are significant."""
    from plotly.graph_objects import Figure, Frame

    found = _diagrams(readings)
    if not found:
        return Missing("missing.no_table" if readings.clouds else "missing.no_checkpoint")
    views = [view for view in TABLES if any(view in seen for seen in found.values())]
    drawn = [
        bars for seen in found.values() for each in seen.values() for bars in (each.bars, each.significant, each.null)
    ]
    corners = np.concatenate([*drawn, np.ones((1, 2))])
    low, right, high = 0.9 * corners.min(), 1.25 * corners[:, 0].max(), 1.25 * corners[:, 1].max()
    seen = {step: [_traces(each.get(view), low, high) for view in views] for step, each in found.items()}
    figure = Figure()
    for index, parts in enumerate(seen[max(seen)]):
        for part, style in zip(parts, _styles(lang), strict=True):
            figure.add_scatter(**style, **part, **frames.axes(index), legendgroup=style["name"], showlegend=not index)
    for index in range(len(views)):
        name = say("series.diagonal", lang)
        figure.add_scatter(
            x=[low, right], y=[low, right], mode="lines", line={"color": theme.NEUTRAL, "width": 1}, name=name,
            hoverinfo="skip", legendgroup=name, showlegend=not index, **frames.axes(index),
        )  # fmt: skip
    figure.frames = [
        Frame(
            name=str(step), data=[part for parts in panels for part in parts], traces=list(range(MOVING * len(views)))
        )
        for step, panels in seen.items()
    ]
    frames.arrange(figure, len(views), columns=2, narrow=1, side=SIDE, gaps=(0.1, 0.14))
    for index, view in enumerate(views):
        suffix = frames.axes(index)["xaxis"][1:]
        shared = {"type": "log", "showgrid": True, "gridcolor": theme.GRID, "linecolor": theme.GRID, "tickformat": "~g"}
        across, up = (shared | _span(low, end) for end in (right, high))
        title = say("axis.birth", lang, table=say(TABLES[view], lang))
        figure.update_layout(
            {
                f"xaxis{suffix}": across | {"anchor": f"y{suffix}", "title": {"text": title, "standoff": 4}},
                f"yaxis{suffix}": up | {"anchor": f"x{suffix}", "title": {"text": say("axis.death", lang)}},
            }
        )
    frames.add_slider(figure, sorted(seen), lang)
    return figure


@dataclass(frozen=True, kw_only=True)
class _Colour:
    """Marker colours of classes: by angle k c / n around the wheel; without a frequency along a scale."""

    k: int | None
    n: int

    def __call__(self, classes: Int[np.ndarray, " point"]) -> dict[str, Any]:
        values = classes / self.n if self.k is None else classes * self.k % self.n / self.n
        scale = "Viridis" if self.k is None else "HSV"
        return {"color": values.round(4).tolist(), "colorscale": scale, "cmin": 0, "cmax": 1}


def _strongest(readings: Readings, means: Points) -> int | None:
    """The key frequency with most power in the class means."""
    keys = readings.key_frequencies
    if isinstance(keys, Missing) or len(means) != readings.run.config.build_task().n_classes:
        return None
    norms = frequency_norms(means)
    return max((k for k in keys if 2 * k != len(means)), key=lambda k: norms[k - 1], default=None)


def _joined(classes: Int[np.ndarray, " class"], k: int | None, n: int) -> Int[np.ndarray, " point"]:
    """The places of the classes in the order in which a line joins them, the first again at the end."""
    if k is None:
        return np.arange(len(classes))
    order = np.argsort(classes * k % n, kind="stable")
    return np.append(order, order[0])


def _drawn(both: list[Plane], joined: Int[np.ndarray, " point"], reaches: list[float]) -> list[dict[str, list[float]]]:
    """Coordinates of the two panels, to a thousandth of the panel, which is finer than a pixel."""
    found = []
    for points, reach in zip((both[0], both[1][joined]), reaches, strict=True):
        x, y = points.round(2 - math.floor(math.log10(reach)) if reach > 0 else 0).T.tolist()
        found.append({"x": x, "y": y})
    return found


def _hover(about: list[list[int]]) -> dict[str, Any]:
    """Operands and answer, where the operands are two symbols."""
    if len(about[0]) != 3:
        return {"hoverinfo": "skip"}
    template = "(%{customdata[0]}, %{customdata[1]}) → %{customdata[2]}<extra></extra>"
    return {"customdata": about, "hovertemplate": template}


def _diagrams(readings: Readings) -> dict[int, dict[str, Diagram]]:
    """By checkpoint the diagrams of the tables that have one."""
    clouds = readings.clouds
    largest = max((len(seen[view]) for seen in clouds.values() for view in TABLES if view in seen), default=0)
    steps = spread(list(clouds), max(FEWEST, int(MOST * min(1.0, LARGE / max(largest, 1)) ** 3)))
    found = {
        step: {view: each for view in TABLES if view in clouds[step] and (each := _diagram(clouds[step][view]))}
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
    ticks = {"dtick": theme.log_ticks([low, high])} if high > 6 * low else {"nticks": 5}
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

"""The inputs and the class means of the stream, through training."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics.fourier import frequency_norms
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import panels
from grokscope.report.page import theme
from grokscope.report.run.readings import Points, Readings
from grokscope.report.words import Lang, count, say
from grokscope.tasks.base import Task

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SIDE = 440  # pixels: two panels of it side by side fill the page
Plane = Float[np.ndarray, "point axis=2"]


@draws("run")
def cloud(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Inputs and class means of the stream after attention, in the plane in which the class means spread most.

    The plane is that of the last checkpoint at every step. Both clouds are centred on the class means of their step. A
    panel has one scale for all steps.
    """
    task = readings.run.config.build_task()
    if not task.n_classes:
        return Missing("missing.no_classes")
    views = ("resid_mid/orbits", "resid_mid/class_means")
    clouds = {step: [seen[view] for view in views] for step, seen in readings.clouds.items() if {*views} <= {*seen}}
    if not clouds:
        return Missing("missing.no_stream" if readings.clouds else "missing.no_checkpoint")
    final = clouds[max(clouds)][1]
    plane = np.linalg.svd(final - final.mean(0), full_matrices=False)[2][:2].T
    flat = {step: [(points - both[1].mean(0)) @ plane for points in both] for step, both in clouds.items()}
    reaches = [1.05 * max(float(np.abs(both[panel]).max()) for both in flat.values()) for panel in (0, 1)]
    k, first = _strongest(readings, final), np.unique(task.orbits.numpy(), return_index=True)[1][readings.orbits]
    classes = np.unique(task.labels.numpy())[-len(final) :]
    joined = _joined(classes, k, task.n_classes)
    colour = _Colour(k=k, n=task.n_classes)
    drawn = {step: _drawn(both, joined, reaches) for step, both in flat.items()}
    figure = theme.blank()
    figure.add_scatter(
        **drawn[max(drawn)][0], **panels.axes(0), mode="markers", showlegend=False, **_hover(task, first),
        marker=colour(task.labels.numpy()[first]) | {"size": 5, "opacity": 0.75},
    )  # fmt: skip
    figure.add_scatter(
        **drawn[max(drawn)][1], **panels.axes(1), mode="markers" if k is None else "lines+markers",
        marker=colour(classes[joined]) | {"size": 7}, line={"color": theme.LINK, "width": 1},
        customdata=classes[joined].tolist(), hovertemplate="c = %{customdata}<extra></extra>", showlegend=False,
    )  # fmt: skip
    titles = _titles(task, len(first), k, lang)
    panels.squares(figure, titles, reaches, columns=2, narrow=1, side=SIDE)
    panels.animate(figure, drawn, lang)
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


def _titles(task: Task, shown: int, k: int | None, lang: Lang) -> list[str]:
    """The titles: how many of all orbits are shown; the order in which the means are joined."""
    inputs = say("axis.inputs", lang, n=count(shown), total=count(int(task.orbits.max()) + 1))
    means = say("axis.means", lang) if k is None else say("axis.means_joined", lang, k=k, p=task.n_classes)
    return [inputs, means]


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
    coordinates = []
    for points, reach in zip((both[0], both[1][joined]), reaches, strict=True):
        x, y = points.round(2 - math.floor(math.log10(reach)) if reach > 0 else 0).T.tolist()
        coordinates.append({"x": x, "y": y})
    return coordinates


def _hover(task: Task, places: Int[np.ndarray, " point"]) -> dict[str, Any]:
    """Operands and answer of inputs, where the operands are two symbols."""
    about = zip(task.inputs[places].tolist(), task.labels.numpy()[places], strict=True)
    shown = [[*map(int, operands), int(c)] for operands, c in about]
    if len(shown[0]) != 3:
        return {"hoverinfo": "skip"}
    template = "(%{customdata[0]}, %{customdata[1]}) → %{customdata[2]}<extra></extra>"
    return {"customdata": shown, "hovertemplate": template}

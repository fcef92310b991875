"""The loss along one direction of weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.words import Lang, number, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDE = 100.0  # ratio of losses from which an axis is logarithmic


@dataclass(frozen=True, kw_only=True, eq=False)
class LossLine:
    """Losses by split at w + t |w| d, d a unit vector and norm = |w|.

    direction: "weights", "random", "given", or "hessian=1" for the sharpest eigenvector. curvature: of the training
    loss along d, at 0. squared_error: what the loss is, instead of nats.
    """

    t: Float[np.ndarray, " point"]
    losses: Mapping[str, Float[np.ndarray, " point"]]
    norm: float
    direction: str
    curvature: float
    squared_error: bool = False


@draws("study")
def loss_line(found: LossLine, lang: Lang = "en") -> "Figure":
    """Loss by split along one direction, the network itself in the middle, and the parabola of its curvature there.

    The loss axis is logarithmic where the losses differ a hundredfold.
    """
    figure = steps.blank(430)
    losses = np.concatenate(list(found.losses.values()))
    shown = losses[np.isfinite(losses) & (losses > 0)]
    log = bool(shown.size) and shown.max() > WIDE * shown.min()
    for split, values in found.losses.items():
        colour, dash = theme.SPLITS.get(split, (theme.NEUTRAL, "solid"))
        drawn = [float(value) if np.isfinite(value) and (value > 0 or not log) else None for value in values]
        figure.add_scatter(
            x=found.t.tolist(), y=drawn, name=say(f"split.{split}", lang), mode="lines",
            line={"color": colour, "dash": dash}, hovertemplate="%{y:.2e}",
        )  # fmt: skip
    if "train" in found.losses:
        centre = float(found.losses["train"][len(found.t) // 2])
        fine = np.linspace(found.t[0], found.t[-1], 201)
        parabola = centre + found.curvature * (fine * found.norm) ** 2 / 2
        kept = (parabola <= shown.max(initial=centre)) & (parabola >= (shown.min(initial=centre) if log else -np.inf))
        figure.add_scatter(
            x=fine[kept].tolist(), y=parabola[kept].tolist(), mode="lines", hoverinfo="skip",
            name=say("series.parabola", lang, curvature=number(found.curvature)),
            line={"color": theme.NEUTRAL, "width": 1.5, "dash": "dash"},
        )  # fmt: skip
    figure.update_xaxes(title={"text": steps.along(found.direction, lang)}, hoverformat=".3f")
    steps.loss_axis(
        figure, say("axis.squared_error" if found.squared_error else "axis.loss", lang), shown.tolist(), log=log
    )
    return figure

"""The loss over a plane of directions of weights."""

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

LEVELS = 24  # contours, at most


@dataclass(frozen=True, kw_only=True, eq=False)
class LossPlane:
    """Losses by split at w + |w| (t1 d1 + t2 d2). directions: of d1 and d2, as in `LossLine`. squared_error: what the
    loss is, instead of nats."""

    t: Float[np.ndarray, " point"]
    losses: Mapping[str, Float[np.ndarray, "first second"]]
    directions: tuple[str, str]
    squared_error: bool = False


@draws("study")
def loss_plane(found: LossPlane, lang: Lang = "en") -> "Figure":
    """Contours of the loss over a plane, a panel a split, on one logarithmic scale; the network itself at the cross."""
    figure = theme.blank(470, margin={"b": 84})
    positive = np.concatenate([values[np.isfinite(values) & (values > 0)] for values in found.losses.values()])
    if not positive.size:
        raise ValueError("no point of the plane has a loss above 0: there is nothing to draw")
    low, high = float(np.log10(positive.min())), float(np.log10(positive.max()))
    size = max((high - low) / LEVELS, 1e-9)
    ticks = np.linspace(low, high, 6)
    n, gap = len(found.losses), 0.06
    width = (1 - gap * (n - 1)) / n
    title = say("axis.squared_error" if found.squared_error else "axis.loss", lang)
    for index, (split, values) in enumerate(found.losses.items()):
        suffix = "" if not index else str(index + 1)
        logs = np.log10(np.where(np.isfinite(values) & (values > 0), values, np.nan)).T.tolist()
        figure.add_contour(
            x=found.t.tolist(), y=found.t.tolist(), z=[[None if np.isnan(z) else z for z in row] for row in logs],
            xaxis=f"x{suffix}", yaxis=f"y{suffix}", zmin=low, zmax=high, showscale=not index,
            contours={"start": low, "end": high, "size": size, "coloring": "fill"},
            line={"width": 0.5, "color": theme.LINK}, name=say(f"split.{split}", lang),
            colorbar={
                "tickvals": ticks.tolist(), "ticktext": [number(float(f"{10.0**tick:.1g}")) for tick in ticks],
                "thickness": 14, "title": {"text": title, "side": "right"},
            },
            customdata=values.T.tolist(), hovertemplate="%{customdata:.2e}",
        )  # fmt: skip
        figure.add_scatter(
            x=[0], y=[0], mode="markers", xaxis=f"x{suffix}", yaxis=f"y{suffix}", hoverinfo="skip", showlegend=False,
            marker={"symbol": "cross-thin", "size": 12, "line": {"color": theme.WHITE}},
        )  # fmt: skip
        left = index * (width + gap)
        figure.update_layout(
            {
                f"xaxis{suffix}": {
                    "domain": [left, left + width], "anchor": f"y{suffix}",
                    "title": {"text": say(f"split.{split}", lang), "standoff": 2, "font": {"size": 14}},
                },
                f"yaxis{suffix}": {
                    "anchor": f"x{suffix}", "showticklabels": not index,
                    "title": {"text": "" if index else steps.along(found.directions[1], lang)},
                },
            }
        )  # fmt: skip
    # One title under all panels: on a phone each is narrower than it.
    figure.add_annotation(
        text=steps.along(found.directions[0], lang), x=0.5, y=0, yshift=-62, xref="paper", yref="paper",
        font={"size": 14},
    )  # fmt: skip
    return figure

"""Slices of the loss around a network: lines and planes."""

from typing import TYPE_CHECKING

import numpy as np

from grokscope.report import theme
from grokscope.report.words import Lang, number, say
from grokscope.studies.landscape import Axis, Slice1D, Slice2D

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDE = 100.0  # ratio of losses from which an axis is logarithmic
LEVELS = 24  # contours, at most


def line(found: Slice1D, lang: Lang = "en", *, squared_error: bool = False) -> "Figure":
    """Loss by split along one direction, the network itself in the middle, and the parabola of its curvature there.

    The loss axis is logarithmic where the losses differ a hundredfold.
    """
    from plotly.graph_objects import Figure

    figure = Figure()
    theme.layout(figure, height=430)
    losses = np.concatenate(list(found.losses.values()))
    shown = losses[np.isfinite(losses) & (losses > 0)]
    log = bool(shown.size) and shown.max() > WIDE * shown.min()
    for split, values in found.losses.items():
        colour, dash = theme.SPLITS.get(split, (theme.NEUTRAL, "solid"))
        drawn = [float(value) if np.isfinite(value) and (value > 0 or not log) else None for value in values]
        figure.add_scatter(
            x=found.t.tolist(), y=drawn, name=say(f"split.{split}", lang), mode="lines",
            line={"color": colour, "width": 2, "dash": dash}, hovertemplate="%{y:.2e}",
        )  # fmt: skip
    if "train" in found.losses:
        centre = float(found.losses["train"][len(found.t) // 2])
        fine = np.linspace(found.t[0], found.t[-1], 201)
        parabola = centre + found.axis.curvature * (fine * found.norm) ** 2 / 2
        kept = (parabola <= shown.max(initial=centre)) & (parabola >= (shown.min(initial=centre) if log else -np.inf))
        figure.add_scatter(
            x=fine[kept].tolist(), y=parabola[kept].tolist(), mode="lines", hoverinfo="skip",
            name=say("series.parabola", lang, curvature=number(found.axis.curvature)),
            line={"color": theme.NEUTRAL, "width": 1.5, "dash": "dash"},
        )  # fmt: skip
    figure.update_xaxes(title={"text": _along(found.axis, lang)}, hoverformat=".3f")
    theme.loss_axis(figure, say("axis.squared_error" if squared_error else "axis.loss", lang), shown.tolist(), log=log)
    return figure


def plane(found: Slice2D, lang: Lang = "en", *, squared_error: bool = False) -> "Figure":
    """Contours of the loss over a plane, a panel a split, on one logarithmic scale; the network itself at the cross."""
    from plotly.graph_objects import Figure

    figure = Figure()
    positive = np.concatenate([values[np.isfinite(values) & (values > 0)] for values in found.losses.values()])
    if not positive.size:
        raise ValueError("no point of the plane has a loss above 0: there is nothing to draw")
    low, high = float(np.log10(positive.min())), float(np.log10(positive.max()))
    size = max((high - low) / LEVELS, 1e-9)
    ticks = np.linspace(low, high, 6)
    n, gap = len(found.losses), 0.06
    width = (1 - gap * (n - 1)) / n
    title = say("axis.squared_error" if squared_error else "axis.loss", lang)
    for index, (split, values) in enumerate(found.losses.items()):
        suffix = "" if not index else str(index + 1)
        logs = np.log10(np.where(np.isfinite(values) & (values > 0), values, np.nan)).T.tolist()
        figure.add_contour(
            x=found.t.tolist(), y=found.t.tolist(), z=[[None if np.isnan(z) else z for z in row] for row in logs],
            xaxis=f"x{suffix}", yaxis=f"y{suffix}", colorscale="Viridis", zmin=low, zmax=high, showscale=not index,
            contours={"start": low, "end": high, "size": size, "coloring": "fill"},
            line={"width": 0.5, "color": "rgba(128,128,128,0.6)"}, name=say(f"split.{split}", lang),
            colorbar={
                "tickvals": ticks.tolist(), "ticktext": [number(float(f"{10.0**tick:.1g}")) for tick in ticks],
                "thickness": 14, "title": {"text": title, "side": "right"},
            },
            customdata=values.T.tolist(), hovertemplate="%{customdata:.2e}",
        )  # fmt: skip
        figure.add_scatter(
            x=[0], y=[0], mode="markers", xaxis=f"x{suffix}", yaxis=f"y{suffix}", hoverinfo="skip", showlegend=False,
            marker={"symbol": "cross-thin", "size": 12, "line": {"width": 2, "color": "#ffffff"}},
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
                    "title": {"text": "" if index else _along(found.axes[1], lang)},
                },
            }
        )  # fmt: skip
    theme.layout(figure, height=470)
    # One title under all panels: on a phone each is narrower than it.
    figure.add_annotation(
        text=_along(found.axes[0], lang), x=0.5, y=0, yshift=-62, xref="paper", yref="paper", showarrow=False,
        font={"size": 14},
    )  # fmt: skip
    figure.update_layout(hovermode="closest", margin={"b": 84})
    return figure


def _along(axis: Axis, lang: Lang) -> str:
    name, _, rank = axis.direction.partition("=")
    return say("axis.along", lang, direction=say(f"direction.{name}", lang, rank=rank or 1))

"""Finite-size scaling of the transition: does the passage between memorising and knowing shorten as p grows?"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.series import series
from grokscope.predictions.subject import Subject
from grokscope.report import theme
from grokscope.report.words import Lang, say
from grokscope.theories.manifold.transition import dwell, pooled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BINS = 40  # of the order parameter, from 0 to 1
ORDER = ("manifold.harmonic_share", "split=all")


def finite_size(sizes: Mapping[int, Sequence[Subject]], lang: Lang = "en", *, relative: bool = True) -> "Figure":
    """Left: dwell time between 20 and 80 % of the order parameter over t_gen, a mark a seed, their median a line.
    Right: how often the order parameter has each value, by p: two humps with little between are a transition.

    sizes: p -> the runs of its seeds (`Arms.along`). relative: 20 and 80 % of its own rise, or
    of 1.
    ValueError for fewer than two sizes.
    """
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    if len(sizes) < 2:
        raise ValueError(f"scaling with the size needs two values of p or more, got {len(sizes)}")
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.12)
    theme.layout(figure, height=400)
    medians = []
    for colour, (p, subjects) in zip(theme.SERIES * len(sizes), sizes.items(), strict=False):
        known = [value for one in subjects if not isinstance(value := dwell(one, relative=relative), Missing)]
        if known:
            medians.append((p, float(np.median(known))))
            figure.add_trace(
                Scatter(x=[p] * len(known), y=known, mode="markers", opacity=0.6,
                        marker={"color": colour, "size": 8}, name=f"p = {p}", legendgroup=str(p)),
                row=1, col=1,
            )  # fmt: skip
        values = pooled([series(one, *ORDER)[1] for one in subjects])
        share, edges = np.histogram(values, bins=BINS, range=(0, 1))
        if len(values):
            figure.add_trace(
                Scatter(x=(edges[1:] + edges[:-1]) / 2, y=share / len(values), mode="lines", line={"color": colour},
                        name=f"p = {p}", legendgroup=str(p), showlegend=not known),
                row=1, col=2,
            )  # fmt: skip
    figure.add_trace(
        Scatter(x=[p for p, _ in medians], y=[m for _, m in medians], mode="lines", line={"color": theme.INK},
                name=say("series.median_of_seeds", lang)),
        row=1, col=1,
    )  # fmt: skip
    figure.update_xaxes(type="log", title={"text": "p"}, tickvals=list(sizes), row=1, col=1)
    figure.update_yaxes(type="log", title={"text": say("axis.dwell", lang)}, row=1, col=1)
    figure.update_xaxes(title={"text": say("axis.rule_share", lang)}, range=[0, 1], row=1, col=2)
    figure.update_yaxes(title={"text": say("axis.share_of_time", lang)}, row=1, col=2)
    figure.update_layout(hovermode="closest", margin={"t": 60})
    return figure

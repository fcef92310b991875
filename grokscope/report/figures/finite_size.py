"""The passage between memorising and generalising: does it shorten as p grows?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from grokscope.report.figures.base import draws
from grokscope.report.page import theme
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BINS = 40  # of the order parameter, from 0 to 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Size:
    """dwell: of each seed, the steps of the transition over t_gen. order: values of the order parameter, all seeds."""

    dwell: Sequence[float]
    order: Float[np.ndarray, " evaluation"]


@draws("study")
def finite_size(sizes: Mapping[int, Size], lang: Lang = "en") -> "Figure":
    """Left: dwell time over t_gen, a mark a seed, their median a line. Right: how often the order parameter has each
    value, by p: two humps with little between are a transition.

    sizes: by p. ValueError for fewer than two.
    """
    if len(sizes) < 2:
        raise ValueError(f"scaling with the size needs two values of p or more, got {len(sizes)}")
    figure = theme.blank(400, margin={"t": 60}, **_axes(sizes, lang))
    for colour, (p, size) in zip(theme.SERIES * len(sizes), sizes.items(), strict=False):
        shared = {"name": f"p = {p}", "legendgroup": str(p)}
        if size.dwell:
            figure.add_scatter(
                x=[p] * len(size.dwell), y=list(size.dwell), mode="markers", opacity=0.6,
                marker={"color": colour, "size": 8}, **shared,
            )  # fmt: skip
        if len(size.order):
            share, edges = np.histogram(size.order, bins=BINS, range=(0, 1))
            figure.add_scatter(
                x=(edges[1:] + edges[:-1]) / 2, y=share / len(size.order), mode="lines", line={"color": colour},
                showlegend=not size.dwell, xaxis="x2", yaxis="y2", **shared,
            )  # fmt: skip
    medians = {p: float(np.median(size.dwell)) for p, size in sizes.items() if size.dwell}
    figure.add_scatter(
        x=list(medians), y=list(medians.values()), mode="lines", line={"color": theme.INK},
        name=say("series.median_of_seeds", lang),
    )  # fmt: skip
    return figure


def _axes(sizes: Mapping[int, Size], lang: Lang) -> dict[str, Any]:
    """Two panels side by side."""
    titles = {name: {"title": {"text": say(f"axis.{name}", lang)}} for name in ("dwell", "rule_share", "share_of_time")}
    return {
        "xaxis": {"domain": [0, 0.44], "type": "log", "title": {"text": "p"}, "tickvals": list(sizes)},
        "yaxis": {"type": "log"} | titles["dwell"],
        "xaxis2": {"domain": [0.56, 1], "range": [0, 1], "anchor": "y2"} | titles["rule_share"],
        "yaxis2": {"anchor": "x2"} | titles["share_of_time"],
    }

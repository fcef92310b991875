"""How many times sooner the arms of a race arrive than the reference, seed by seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LINE, SIDE = 34, 96  # pixels of an arm, and of axis and legend
LETTER, BESIDE = 7.4, 20  # pixels of a letter of an arm's name, and beside the longest
REACH = 3.0  # an open end is drawn so many times beyond what is known


@dataclass(frozen=True, kw_only=True)
class Ratios:
    """Of one arm: each pair as (low, high), equal where both runs arrived; the median and its interval; the factor that
    was published, if any."""

    pairs: Sequence[tuple[float, float]]
    median: tuple[float, float]
    ends: tuple[float, float]
    published: float | None = None


@draws("study")
def ratios(arms: Mapping[str, Ratios], lang: Lang = "en") -> "Figure | Missing":
    """A row an arm, on a logarithmic axis: a dot a pair of seeds, hollow where it is only known up to a bound, the
    interval of the median at Holm's level as a bar, and what was published as a star."""
    if not arms:
        return Missing(say("missing.race", lang))
    low, high = _range(arms)
    names = list(arms)
    left = BESIDE + LETTER * max(map(len, names))
    figure = theme.blank(SIDE + LINE * len(arms), margin={"l": left, "r": 14, "t": 8, "b": 48})
    figure.add_shape(
        type="line", x0=1, x1=1, y0=0, y1=1, xref="x", yref="paper", layer="below",
        line={"color": theme.NEUTRAL, "width": 1.5, "dash": "dot"},
    )  # fmt: skip
    rows = [(-float(place), one) for place, one in enumerate(arms.values())]
    _dots(figure, rows, (low, high), lang)
    _bars(figure, rows, (low, high), lang)
    told = [(y, one.published) for y, one in rows if one.published is not None]
    if told:
        figure.add_scatter(
            x=[x for _, x in told], y=[y for y, _ in told], mode="markers", name=say("series.published_factor", lang),
            marker={"symbol": "star", "size": 11, "color": theme.AMBER}, hovertemplate="%{x:.3g}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(
        type="log", range=np.log10([low, high]).tolist(), tickformat="~g", hoverformat=".3g",
        dtick=steps.log_ticks([low, high]), title={"text": say("axis.sooner", lang)},
        minor={"dtick": "D1", "ticks": "outside", "ticklen": 3},
    )  # fmt: skip
    figure.update_yaxes(
        range=[0.6 - len(arms), 0.6], tickvals=[y for y, _ in rows], ticktext=names, showgrid=False, automargin=False
    )
    return figure


def _dots(figure: "Figure", rows: Sequence[tuple[float, Ratios]], ends: tuple[float, float], lang: Lang) -> None:
    """The pairs, beside their row so that none hides another."""
    for name, symbol, known in (("pair", "circle", True), ("pair_bound", "circle-open", False)):
        x, y = [], []
        for at, one in rows:
            beside = 0.2 * np.cos(2.4 * np.arange(len(one.pairs)))  # apart, the same each time
            for (low, high), shift in zip(one.pairs, beside.tolist(), strict=True):
                bound = low if low > 0 else high  # what is known of it
                if (low == high) == known and 0 < bound < math.inf:
                    x.append(min(max(bound, ends[0]), ends[1]))
                    y.append(at + shift)
        if x:
            figure.add_scatter(
                x=x, y=y, mode="markers", name=say(f"series.{name}", lang), hovertemplate="%{x:.3g}<extra></extra>",
                marker={"symbol": symbol, "size": 6, "color": theme.BLUE, "opacity": 0.55},
            )  # fmt: skip


def _bars(figure: "Figure", rows: Sequence[tuple[float, Ratios]], ends: tuple[float, float], lang: Lang) -> None:
    """The intervals, as one line with gaps, and the medians that are known."""
    x: list[float | None] = []
    y: list[float | None] = []
    for at, one in rows:
        x += [max(one.ends[0], ends[0]), min(one.ends[1], ends[1]), None]
        y += [at, at, None]
    figure.add_scatter(
        x=x, y=y, mode="lines", name=say("series.interval", lang), hoverinfo="skip",
        line={"color": theme.ORANGE, "width": 3},
    )  # fmt: skip
    known = [(y, one.median) for y, one in rows if 0 < one.median[0] == one.median[1] < math.inf]
    figure.add_scatter(
        x=[median for _, (median, _) in known], y=[y for y, _ in known], mode="markers",
        name=say("series.median", lang), hovertemplate="%{x:.3g}<extra></extra>",
        marker={"symbol": "diamond", "size": 11, "color": theme.ORANGE, "line": {"color": theme.WHITE, "width": 1}},
    )  # fmt: skip


def _range(arms: Mapping[str, Ratios]) -> tuple[float, float]:
    """All that is known, and a place beyond it for what is not."""
    each = [end for one in arms.values() for pair in (*one.pairs, one.ends) for end in pair]
    told = [one.published for one in arms.values() if one.published is not None]
    known = [end for end in (*each, *told, 1.0) if 0 < end < math.inf]
    beyond = REACH if len(known) - len(told) - 1 < len(each) else 1.3
    return min(known) / beyond, max(known) * beyond

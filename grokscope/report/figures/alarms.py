"""Which quantities see a run generalise, how often they cry wolf, and how early they are."""

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import panels
from grokscope.report.page import theme
from grokscope.report.words import Lang, say
from grokscope.statistics.alarms import Judged
from grokscope.studies.alarms import Alarms, Quantity

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST = 16  # quantities that are drawn
# What a quantity is; those that read the end of the run or held-out labels are no alarms, and hollow.
KINDS = (
    ("predictor", theme.BLUE, "circle"),
    ("told", theme.BLUE, "circle-open"),
    ("trivial", theme.NEUTRAL, "square"),
)
CLOSE = 0.045  # shares
CHARACTER = 0.032  # width of a figure on the left, as a share
ROW = 38  # pixels of a quantity on the right


@draws("study", says={"most": str(MOST)})
def alarms(of: Alarms, lang: Lang = "en") -> "Figure":
    """Left: what is seen over false alarms, a number a quantity. Right: the lead of each, as a share of the delay."""
    shown = _shown(of)
    numbers = _numbers([judged for _, judged in shown])
    figure = theme.blank()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name=say("series.knows_nothing", lang), hoverinfo="skip",
        line={"color": theme.NEUTRAL, "width": 1, "dash": "dot"},
    )  # fmt: skip
    for kind, colour, symbol in KINDS:
        chosen = [(place, one, judged) for place, (one, judged) in enumerate(shown, 1) if _kind(one) == kind]
        if not chosen:
            continue
        marker = {"color": colour, "symbol": symbol, "size": 9}
        figure.add_scatter(
            x=[judged.false_alarms.value for *_, judged in chosen],
            y=[judged.sensitivity.value for *_, judged in chosen],
            text=[numbers[place] for place, *_ in chosen], mode="markers+text", textposition="top center",
            marker=marker,
            name=say(f"series.{kind}", lang), customdata=[[one.name] for _, one, _ in chosen],
            hovertemplate="%{customdata[0]}: %{y:.0%}, %{x:.0%}<extra></extra>",
        )  # fmt: skip
        ends = [end for _, _, judged in chosen for end in (judged.lead.share[1], judged.lead.share[2], None)]
        figure.add_scatter(
            x=ends, y=[at for place, *_ in chosen for at in (-place, -place, None)], mode="lines", hoverinfo="skip",
            line={"color": colour, "width": 1.5}, showlegend=False, xaxis="x2", yaxis="y2",
        )  # fmt: skip
        figure.add_scatter(
            x=[judged.lead.share[0] for *_, judged in chosen], y=[-place for place, *_ in chosen], mode="markers",
            marker=marker, showlegend=False, xaxis="x2", yaxis="y2", hovertemplate="%{x:.0%}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=[0] * len(shown), y=[0.42 - place for place in range(1, len(shown) + 1)], mode="text", showlegend=False,
        text=[f"{place}  {_short(one)}" for place, (one, _) in enumerate(shown, 1)], textposition="middle right",
        hoverinfo="skip", xaxis="x2", yaxis="y2",
    )  # fmt: skip
    figure.update_layout(
        xaxis=_share(say("axis.false_alarms", lang)) | {"range": _reach(j.false_alarms.value for _, j in shown)},
        yaxis=_share(say("axis.seen", lang)) | {"range": _reach(j.sensitivity.value for _, j in shown)},
        xaxis2=_share(say("axis.lead", lang)) | {"anchor": "y2"},
        yaxis2={"anchor": "x2", "range": [-len(shown) - 0.6, -0.2], "showgrid": False, "showticklabels": False},
    )  # fmt: skip
    panels.arrange(figure, 2, columns=2, narrow=1, side=max(360, ROW * len(shown)), gaps=(0.08, 0.12))
    figure.update_layout(margin={"l": 64, "r": 14, "b": 56})
    return figure


def _shown(of: Alarms) -> list[tuple[Quantity, Judged]]:
    """The first ones, and what everybody has."""
    known = [(one, one.judged) for one in of.quantities if isinstance(one.judged, Judged)]
    plain = sum(one.trivial for one, _ in known)
    first = [one for one, _ in known if not one.trivial][: MOST - plain]
    return [(one, judged) for one, judged in known if one.trivial or one in first]


def _numbers(judged: Sequence[Judged]) -> dict[int, str]:
    """Place -> what is written there: numbers that would lie over each other stand together at the first of them."""
    groups = [[place] for place in range(1, len(judged) + 1)]

    def over(one: list[int], other: list[int]) -> bool:
        first, second = judged[one[0] - 1], judged[other[0] - 1]
        across = abs(first.false_alarms.value - second.false_alarms.value)
        wide = CHARACTER * (len(_ranges(one)) + len(_ranges(other))) / 2
        return across < max(CLOSE, wide) and abs(first.sensitivity.value - second.sensitivity.value) < CLOSE

    while pair := next((pair for pair in itertools.combinations(groups, 2) if over(*pair)), None):
        groups = [group for group in groups if group not in pair] + [sorted(pair[0] + pair[1])]
    written = {group[0]: _ranges(group) for group in groups}
    return {place: written.get(place, "") for place in range(1, len(judged) + 1)}


def _ranges(places: Sequence[int]) -> str:
    """1–4, 7."""
    runs = [[place for _, place in run] for _, run in itertools.groupby(enumerate(places), lambda at: at[1] - at[0])]
    return ", ".join("–".join(str(end) for end in dict.fromkeys((run[0], run[-1]))) for run in runs)


def _kind(one: Quantity) -> str:
    return "trivial" if one.trivial else "told" if one.needs_labels or one.looks_ahead else "predictor"


def _reach(values: Iterable[float]) -> list[float]:
    """An axis from a little below the least to a little above the largest."""
    found = [0.5, *values]
    return [min(found) - 0.06, max(found) + 0.08]


def _share(title: str) -> dict[str, object]:
    return {"title": {"text": title}, "range": [-0.04, 1.08], "tickformat": ".0%"}


def _short(one: Quantity) -> str:
    """Without the family."""
    name = one.name.partition(".")[2] or one.name
    return name if len(name) <= 34 else f"{name[:33]}…"

"""A run in the plane of the clock and the pizza.

Source of definitions, thresholds and of the networks shown beside the run: Zhong et al. 2023, arXiv:2306.17844.
"""

import inspect
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings
from grokscope.report.words import Lang, count, number, say
from grokscope.statistics.clock_pizza import algorithm

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LIMITS: dict[str, float] = {
    name: parameter.default
    for name, parameter in inspect.signature(algorithm).parameters.items()
    if name.startswith(("min_", "max_"))
}
SYMMETRICITY, IRRELEVANCE = "circuits.gradient_symmetricity", "circuits.distance_irrelevance"
VIEWS = ("variant=correct", "variant=runner_up")
# (name, distance irrelevance, gradient symmetricity). The logit is that of the right answer for Model A, and of the
# runner-up for the medians over networks with the least and the most attention; of the wide one the paper does not say.
PUBLISHED = (
    ("model_a", 0.171736, 0.993665),
    ("wide", 0.156, 0.995),
    ("least_attention", 0.20, 0.994),
    ("most_attention", 0.83, 0.451),
)
TICKS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
SMALLEST = 1e-4  # of 1 - symmetricity: nearer to 1 there is nothing to see
RANGE = (-0.2, 3.2)  # heights shown at least
HOVER = "%{customdata[0]}: %{x:.3f}, %{customdata[1]:.3f}<extra></extra>"
RIGHT = 0.6  # names of points beyond this stand to their left


def verdict(readings: Readings, lang: Lang) -> list[str]:
    """The algorithm of the last checkpoint (`statistics.clock_pizza.algorithm`), where its numbers are stored."""
    lasts = {
        "symmetricity": readings.last(SYMMETRICITY),
        "irrelevance": readings.last(IRRELEVANCE, VIEWS[0]),
        "circularity": readings.last("circuits.circularity"),
    }
    last = {name: value[1] for name, value in lasts.items() if value is not None}
    if not {"symmetricity", "irrelevance"} <= {*last} or readings.no_circuit is not None:
        return []
    named = algorithm(last["symmetricity"], last["irrelevance"])
    shown = {name: number(value) for name, value in (LIMITS | last).items()}
    said = say(f"verdict.{named}", lang, **shown)
    if last.get("circularity", 1) < LIMITS["min_circularity"]:
        said += ("" if lang == "zh" else " ") + say("verdict.not_circular", lang, **shown)
    return [said]


@draws("run", notes=verdict)
def clock_pizza(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Gradient symmetricity against distance irrelevance: the run's checkpoints, published networks and thresholds.

    Symmetricity s is drawn at -log10(1 - s), so that .98 has room above it.
    """

    if (reason := readings.no_circuit) is not None:
        return reason
    path, other = (_path(readings, view) for view in VIEWS)
    if isinstance(path, Missing):
        return path
    figure = theme.blank(520)
    _published(figure, lang)
    figure.add_scatter(
        x=path.x, y=path.heights, mode="lines+markers", name=say("series.this_run", lang), hovertemplate=HOVER,
        customdata=path.about, line={"color": theme.BLUE, "width": 1.5}, marker={"color": theme.BLUE, "size": 5},
    )  # fmt: skip
    if isinstance(other, Path):
        figure.add_scatter(
            x=[path.x[-1], other.x[-1]], y=[path.heights[-1], other.heights[-1]], mode="lines+markers",
            name=say("series.runner_up", lang), customdata=[path.about[-1], other.about[-1]], hovertemplate=HOVER,
            line={"color": theme.SKY, "width": 1.5, "dash": "dot"},
            marker={"symbol": ["circle", "circle-open"], "size": [1, 11], "color": theme.SKY, "opacity": 1},
        )  # fmt: skip
    _ends(figure, path, lang)
    reach = max(RANGE[1], max(path.heights) + 0.3)
    lowest = min(RANGE[0], min(path.heights) - 0.2)
    figure.update_layout(
        xaxis={"range": [0, 1], "title": {"text": say("axis.irrelevance", lang)}, "dtick": 0.2},
        yaxis={
            "range": [lowest, reach], "tickvals": [height(tick) for tick in TICKS],
            "ticktext": [f"{tick:g}" for tick in TICKS], "title": {"text": say("axis.symmetricity", lang)},
        },
        hovermode="closest",
    )  # fmt: skip
    _regions(figure, lang, lowest, reach)
    return figure


def height(symmetricity: float) -> float:
    """Where a gradient symmetricity is drawn."""
    return -math.log10(max(1 - symmetricity, SMALLEST))


@dataclass(frozen=True, kw_only=True)
class Path:
    """A run's way through the plane, by checkpoint: distance irrelevance, height, and the text of the hover."""

    x: list[float]
    heights: list[float]
    about: list[list[Any]]


def _path(readings: Readings, view: str) -> Path | Missing:
    symmetric, distance = readings.series(SYMMETRICITY), readings.series(IRRELEVANCE, view)
    if isinstance(distance, Missing):
        return distance
    if isinstance(symmetric, Missing):
        return Missing("missing.no_symmetricity")
    steps, left, right = np.intersect1d(distance[0], symmetric[0], return_indices=True)
    if not len(steps):
        return Missing("missing.not_measured")
    x, s = distance[1][left], symmetric[1][right]
    return Path(
        x=x.round(4).tolist(),
        heights=[round(height(value), 4) for value in s],
        about=[[count(int(step)), round(float(value), 4)] for step, value in zip(steps, s, strict=True)],
    )


def _published(figure: "Figure", lang: Lang) -> None:
    """Networks of the paper: where clocks and pizzas lie."""
    names = [say(f"published.{name}", lang) for name, _, _ in PUBLISHED]
    figure.add_scatter(
        x=[x for _, x, _ in PUBLISHED], y=[height(s) for *_, s in PUBLISHED], mode="markers",
        name=say("series.published", lang), marker={"symbol": "diamond", "size": 10, "color": theme.AMBER},
        customdata=[[name, s] for name, (*_, s) in zip(names, PUBLISHED, strict=True)],
        hovertemplate=HOVER,
    )  # fmt: skip


def _ends(figure: "Figure", path: Path, lang: Lang) -> None:
    """The first and the last checkpoint, with their steps."""
    ends = [0, -1] if len(path.x) > 1 else [-1]
    figure.add_scatter(
        x=[path.x[end] for end in ends], y=[path.heights[end] for end in ends], mode="markers+text",
        text=[say("axis.at_step", lang, step=path.about[end][0]) for end in ends],
        textposition=["bottom left" if path.x[end] > RIGHT else "bottom right" for end in ends],
        textfont={"size": 12}, showlegend=False, hoverinfo="skip", cliponaxis=False,
        marker={
            "color": theme.BLUE, "size": [9, 15][-len(ends) :], "symbol": ["circle-open", "circle"][-len(ends) :],
            "opacity": 1, "line": {"width": 1, "color": theme.BLUE},
        },
    )  # fmt: skip


def _regions(figure: "Figure", lang: Lang, low: float, high: float) -> None:
    """The quadrants that the thresholds make: pizza, clock, and two that are neither."""
    x, y = LIMITS["max_irrelevance"], height(LIMITS["min_symmetricity"])
    quadrants = {
        "pizza": (0.0, x, y, high, theme.AMBER), "clock": (x, 1.0, low, y, theme.BLUE),
        "neither": (0.0, x, low, y, None), "neither ": (x, 1.0, y, high, None),
    }  # fmt: skip
    for name, (x0, x1, y0, y1, colour) in quadrants.items():
        if colour:
            figure.add_shape(
                type="rect", x0=x0, x1=x1, y0=y0, y1=y1, fillcolor=colour, opacity=0.13, line={"width": 0},
                layer="below",
            )  # fmt: skip
        figure.add_annotation(
            x=x0, y=y1, text=say(f"region.{name.strip()}", lang), xanchor="left", yanchor="top",
            xshift=6, yshift=-4, font={"size": 14},
        )  # fmt: skip
    line = {"color": theme.NEUTRAL, "dash": "dash", "width": 1.5}
    figure.add_shape(type="line", x0=x, x1=x, y0=low, y1=high, line=line, layer="below")
    figure.add_shape(type="line", x0=0, x1=1, y0=y, y1=y, line=line, layer="below")

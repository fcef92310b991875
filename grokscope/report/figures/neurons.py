"""The frequency that each neuron is tuned to, through training."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float64, Int

from grokscope.errors import Missing
from grokscope.measures.analyses.neurons import THRESHOLD, shares
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import panels
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings, spread
from grokscope.report.words import Lang, count, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# The waves of all neurons of a checkpoint take 0.06 s at p = 59, 0.2 s at 113, and grow with the cube of p: above
# LARGE residues there are fewer frames.
MOST, LARGE, FEWEST = 12, 80, 8
# A frequency with a smaller part of the neurons than this has no room for its name.
NAMED = 0.04
Best = Int[np.ndarray, " neuron"]
Share = Float64[np.ndarray, " neuron"]


@draws("run")
def neurons(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Best frequency of each neuron and its share of the neuron's variance, with a slider over checkpoints.

    Neurons stand in one order at all steps, that of the last checkpoint: by frequency, then by share; neurons of which
    no frequency has more than THRESHOLD come last.
    """
    if (reason := readings.no_circuit) is not None:
        return reason
    tuned_at, p = _tuned(readings), readings.run.config.build_task().n_classes
    if not tuned_at:
        return Missing("missing.no_neurons")
    last = max(tuned_at)
    best, share = tuned_at[last]
    order = np.lexsort((-share, best, share <= THRESHOLD))
    seen = {step: _dots(best[order], share[order], lang) for step, (best, share) in tuned_at.items()}
    names = [say(f"series.{name}", lang, threshold=f"{THRESHOLD:.0%}") for name in ("tuned", "untuned")]
    figure = _canvas(len(order), p, lang)
    for index, dots in enumerate(seen[last][:4]):
        upper, tuned = index < 2, index % 2 == 0  # two traces a panel
        hover = f"k = %{{y}}<extra>{names[index % 2]}</extra>" if upper else "%{y}%<extra></extra>"
        figure.add_scatter(
            **dots, **panels.axes(0 if upper else 1), mode="markers", name=names[index % 2], showlegend=upper,
            marker={"size": 5, "color": theme.ORANGE if tuned else theme.NEUTRAL, "opacity": 0.85 if tuned else 0.6},
            hovertemplate=hover, legendgroup=names[index % 2],
        )  # fmt: skip
    for index, words in enumerate(seen[last][4:]):
        figure.add_scatter(**words, **panels.axes(index), mode="text", showlegend=False, hoverinfo="skip")
    figure.add_scatter(
        x=[-0.5, len(order) - 0.5], y=[100 * THRESHOLD] * 2, **panels.axes(1), mode="lines", showlegend=False,
        line={"color": theme.NEUTRAL, "dash": "dash", "width": 1.5}, hoverinfo="skip",
    )  # fmt: skip
    panels.animate(figure, seen, lang)
    return figure


def _canvas(n: int, p: int, lang: Lang) -> "Figure":
    """Two panels over one axis of n neurons: frequencies up to p // 2, and shares."""
    across = {"range": [-0.02 * n, 1.02 * n], "showticklabels": False, "showgrid": False}
    title = {"text": say("axis.neurons", lang), "standoff": 4}
    return theme.blank(
        600,
        margin={"b": 100},
        xaxis=across | {"anchor": "y"},
        xaxis2=across | {"anchor": "y2", "title": title},
        yaxis={
            "domain": [0.4, 1], "range": [0.2, p // 2 + 2.5], "anchor": "x",
            "title": {"text": say("axis.best_frequency", lang)},
        },
        yaxis2={
            "domain": [0, 0.34], "range": [0, 128], "tickvals": [0, 50, 100], "ticktext": ["0", "50%", "100%"],
            "anchor": "x2", "title": {"text": say("axis.at_it", lang)},
        },
    )  # fmt: skip


def _tuned(readings: Readings) -> dict[int, tuple[Best, Share]]:
    """By checkpoint at which any neuron varies: each neuron's best frequency, and its share of that one's variance."""
    p = readings.run.config.build_task().n_classes
    most = MOST if p <= LARGE else max(FEWEST, round(MOST * (LARGE / p) ** 2))
    tuned = {}
    for step in spread(readings.checkpoints, most):
        snapshot = readings.snapshot(step)
        waves = shares(snapshot) if snapshot.is_finite else Missing("")
        if not isinstance(waves, Missing) and waves.any():
            share, best = waves.max(0)
            tuned[step] = (best.numpy() + 1, share.numpy())
    return tuned


def _dots(best: Best, share: Share, lang: Lang) -> list[dict[str, Any]]:
    """The moving traces of a step: frequencies and shares of tuned and of other neurons, names, how many are tuned.

    Small integers, as Plotly packs them. A dead neuron has no frequency.
    """
    tuned = share > THRESHOLD
    places = [np.flatnonzero(chosen).astype(np.uint16) for chosen in (tuned, ~tuned & (share > 0))]
    of = best.astype(np.uint16), (100 * share).round().astype(np.uint8)
    dots = [{"x": at, "y": values[at]} if len(at) else {"x": [None], "y": [None]} for values in of for at in places]
    said = say("neurons.tuned", lang, n=count(int(tuned.sum())), total=count(len(share)), threshold=f"{THRESHOLD:.0%}")
    return [*dots, _names(best, tuned), {"x": [-0.5], "y": [115], "text": [said], "textposition": "middle right"}]


def _names(best: Best, tuned: Bool[np.ndarray, " neuron"]) -> dict[str, Any]:
    """A name over each step of the staircase that is wide enough for one."""
    frequencies, counts = np.unique(best[tuned], return_counts=True)
    named = frequencies[counts >= NAMED * len(best)].tolist()
    middles = [float(np.median(np.flatnonzero(tuned & (best == k)))) for k in named]
    return {
        "x": middles or [None], "y": named or [None], "text": [f"k = {k}" for k in named] or [""],
        "textposition": "top center",
    }  # fmt: skip

"""Time to generalise against the initial norm, and the law of weight decay."""

from typing import TYPE_CHECKING

import numpy as np

from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import norms
from grokscope.report.page import theme
from grokscope.report.words import Lang, say
from grokscope.statistics.goldilocks import Law
from grokscope.statistics.intervals import Effect
from grokscope.studies.tables.law import Times

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@draws("study")
def law(found: Times, lang: Lang = "en") -> "Figure":
    """Time to generalise against the initial norm on a logarithmic axis: runs, the fitted line, the predicted slope.

    Runs that the law was not fitted to are grey. The upper edge of the shell is marked, as w_c is where the line meets
    0; both with their intervals. The predicted line goes through the middle of the fitted one.
    """
    figure = theme.blank(470)
    _runs(figure, found, lang)
    marks = (
        {"shell_edge": (found.shell.high, theme.GREEN)} if found.shell and isinstance(found.shell.high, Effect) else {}
    )
    if isinstance(found.law, Law):
        marks["w_c"] = (found.law.w_c, theme.ORANGE)
        _lines(figure, found.law, found.norms[found.fitted], lang)
    # A mark further than a factor of ten from all runs would press them into a corner.
    low, high = found.norms.min() / 10, found.norms.max() * 10
    near = [effect.value for effect, _ in marks.values() if low < effect.value < high]
    edges = norms.edges(np.array([*found.norms, *near]))
    for dash, (name, (effect, colour)) in zip(("longdash", "dashdot"), marks.items(), strict=False):
        if effect.value in near:
            named = f"{say(f'mark.{name}', lang)}: {norms.interval(effect, lang)}"
            norms.upright(figure, effect, edges, named, colour=colour, dash=dash)
    norms.axis(figure, edges, say("axis.norm_initial", lang))
    top = float(found.times.max()) * 1.08
    figure.update_yaxes(range=[0, top], tickformat=",d", title={"text": say("axis.t_gen", lang)})
    return figure


def _runs(figure: "Figure", found: Times, lang: Lang) -> None:
    """A mark a run: whether it generalised, and whether the law was fitted to it."""
    groups = (
        ("generalised", found.reached & found.fitted, "circle", theme.BLUE),
        ("censored", ~found.reached & found.fitted, "triangle-up-open", theme.BLUE),
        ("outside", found.reached & ~found.fitted, "circle", theme.NEUTRAL),
        ("outside_censored", ~found.reached & ~found.fitted, "triangle-up-open", theme.NEUTRAL),
    )
    for name, chosen, symbol, colour in groups:
        if chosen.any():
            figure.add_scatter(
                x=found.norms[chosen].tolist(), y=found.times[chosen].tolist(), name=say(f"series.{name}", lang),
                mode="markers",
                marker={"size": 9, "symbol": symbol, "color": colour, "opacity": 0.75, "line": {"width": 1.5}},
                hovertemplate="w₀ = %{x:.3g}: %{y:,.0f}<extra></extra>",
            )  # fmt: skip


def _lines(figure: "Figure", found: Law, norms: np.ndarray, lang: Lang) -> None:
    """The fitted line from where it meets 0, and one of the predicted slope through its middle."""
    ends = np.array([norms.min(), norms.max()], dtype=float)
    down = np.array([found.w_c.value, ends[0]])
    lines = [(say("series.law", lang), ends, found.at(ends), "solid", theme.ORANGE, True)]
    if ends[0] / 10 < down[0] < ends[0]:
        lines.append(("", down, found.at(down), "dot", theme.ORANGE, False))
    if found.predicted is not None:
        turned = found.predicted * np.log(ends / np.sqrt(ends.prod())) + found.at(ends).mean()
        lines.append((say("series.law_predicted", lang), ends, turned, "dash", theme.NEUTRAL, True))
    for name, x, y, dash, colour, listed in lines:
        figure.add_scatter(
            x=x.tolist(), y=y.tolist(), name=name, mode="lines", hoverinfo="skip", showlegend=listed,
            line={"color": colour, "dash": dash},
        )  # fmt: skip

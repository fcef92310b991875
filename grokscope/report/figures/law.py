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
def law(of: Times, lang: Lang = "en") -> "Figure":
    """Time to generalise against the initial norm on a logarithmic axis: runs, the fitted line, the predicted slope.

    Runs outside the fit are grey. The upper edge of the shell, and w_c, where the line meets 0, are marked with their
    intervals. The predicted line goes through the middle of the fitted one.
    """
    figure = theme.blank(470)
    _runs(figure, of, lang)
    marks = {"shell_edge": (of.shell.high, theme.GREEN)} if of.shell and isinstance(of.shell.high, Effect) else {}
    if isinstance(of.law, Law):
        marks["w_c"] = (of.law.w_c, theme.ORANGE)
        _lines(figure, of.law, of.norms[of.fitted], lang)
    # A mark further than a factor of ten from all runs would press them into a corner.
    low, high = of.norms.min() / 10, of.norms.max() * 10
    near = [effect.value for effect, _ in marks.values() if low < effect.value < high]
    edges = norms.edges(np.array([*of.norms, *near]))
    for dash, (name, (effect, colour)) in zip(("longdash", "dashdot"), marks.items(), strict=False):
        if effect.value in near:
            named = f"{say(f'mark.{name}', lang)}: {norms.interval(effect, lang)}"
            norms.upright(figure, effect, edges, named, colour=colour, dash=dash)
    norms.axis(figure, edges, say("axis.norm_initial", lang))
    top = float(of.times.max()) * 1.08
    figure.update_yaxes(range=[0, top], tickformat=",d", title={"text": say("axis.t_gen", lang)})
    return figure


def _runs(figure: "Figure", of: Times, lang: Lang) -> None:
    """A mark a run: whether it generalised, and whether the law was fitted to it."""
    kinds = (
        ("generalised", of.reached & of.fitted, "circle", theme.BLUE),
        ("censored", ~of.reached & of.fitted, "triangle-up-open", theme.BLUE),
        ("outside", of.reached & ~of.fitted, "circle", theme.NEUTRAL),
        ("outside_censored", ~of.reached & ~of.fitted, "triangle-up-open", theme.NEUTRAL),
    )
    for name, chosen, symbol, colour in kinds:
        if chosen.any():
            figure.add_scatter(
                x=of.norms[chosen].tolist(), y=of.times[chosen].tolist(), name=say(f"series.{name}", lang),
                mode="markers",
                marker={"size": 9, "symbol": symbol, "color": colour, "opacity": 0.75, "line": {"width": 1.5}},
                hovertemplate="w₀ = %{x:.3g}: %{y:,.0f}<extra></extra>",
            )  # fmt: skip


def _lines(figure: "Figure", fit: Law, norms: np.ndarray, lang: Lang) -> None:
    """The fitted line from where it meets 0, and one of the predicted slope through its middle."""
    ends = np.array([norms.min(), norms.max()], dtype=float)
    down = np.array([fit.w_c.value, ends[0]])
    lines = [(say("series.law", lang), ends, fit.at(ends), "solid", theme.ORANGE, True)]
    if ends[0] / 10 < down[0] < ends[0]:
        lines.append(("", down, fit.at(down), "dot", theme.ORANGE, False))
    if fit.predicted is not None:
        turned = fit.predicted * np.log(ends / np.sqrt(ends.prod())) + fit.at(ends).mean()
        lines.append((say("series.law_predicted", lang), ends, turned, "dash", theme.NEUTRAL, True))
    for name, x, y, dash, colour, listed in lines:
        figure.add_scatter(
            x=x.tolist(), y=y.tolist(), name=name, mode="lines", hoverinfo="skip", showlegend=listed,
            line={"color": colour, "dash": dash},
        )  # fmt: skip

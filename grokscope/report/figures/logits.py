"""The logit of one answer over all inputs, at a few steps."""

import math
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import elements, panels
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings, spread
from grokscope.report.words import Lang, count, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ANSWER = 0  # its logit is shown; any other answer would do
MOMENTS = 4
ABOVE, UNDER = 62, 48  # pixels


@draws("run")
def logits(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The logit of one answer over all inputs (a, b), less the input's mean over the answers, at up to four steps."""
    if (reason := readings.no_circuit) is not None:
        return reason
    shown = {step: (name, readings.snapshot(step)) for step, name in _moments(readings).items()}
    shown = {step: (name, snapshot) for step, (name, snapshot) in shown.items() if snapshot.is_finite}
    figure, titles, p = theme.blank(), [], readings.run.config.build_task().n_classes
    ends = [say(f"axis.{end}", lang) for end in ("lowest", "highest")]
    for index, (step, (name, snapshot)) in enumerate(shown.items()):
        grid = elements.centred_logits(snapshot)[:, ANSWER].reshape(p, p).numpy()
        low, high = grid.min(), grid.max()
        # Small integers, as Plotly packs them, are finer than the eye sees.
        levels = (100 * (grid - low) / max(high - low, 1e-300)).round().astype(np.uint8)
        figure.add_heatmap(
            z=levels.T, zmin=0, zmax=100, **panels.axes(index), showscale=not index,
            hovertemplate="a = %{x}, b = %{y}: %{z}%<extra></extra>",
            colorbar={
                "orientation": "h", "thickness": 10, "len": 0.5, "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom",
                "tickvals": [14, 86], "ticktext": ends,
            },
        )  # fmt: skip
        said = say("axis.at_step", lang, step=count(step)) + (say(f"moment.{name}", lang) if name else "")
        titles.append(f"{said}<br>{low:.3g} … {high:.3g}".replace("-", "−"))
    _squares(figure, titles, p)
    # The colour bar would centre a title of its own, and cut it off on a phone.
    figure.add_annotation(
        text=say("axis.logit", lang, c=ANSWER), xref="paper", yref="paper", x=0, y=1, yshift=36, xanchor="left",
        yanchor="bottom",
    )  # fmt: skip
    return figure


def _moments(readings: Readings) -> dict[int, str]:
    """The first and the last checkpoint, and those nearest to the (geometric) middles of two phases, with their names.

    Where a phase is missing, an evenly spread checkpoint stands in.
    """
    steps, phases = np.array(readings.checkpoints), readings.phases
    named = {int(steps[0]): "", int(steps[-1]): "last"}
    alone = None if phases.memorized_at is None else (phases.memorized_at, phases.memorized_at)
    for name, window in (("memorized", phases.memorized or alone), ("transition", readings.transition)):
        if window is not None:
            middle = math.sqrt(max(window[0], 1) * max(window[1], 1))
            named.setdefault(int(steps[np.abs(steps - middle).argmin()]), name)
    for step in spread(readings.checkpoints, MOMENTS):
        if len(named) < MOMENTS:
            named.setdefault(step, "")
    return dict(sorted(named.items()))


def _squares(figure: "Figure", titles: list[str], p: int) -> None:
    """Places the panels side by side, on a phone two in a row, each p by p cells, its title below."""
    panels.arrange(figure, len(titles), columns=MOMENTS, narrow=2, side=340, gaps=(0.03, 0.13))
    for index, title in enumerate(titles):
        x, y = panels.axes(index).values()
        blank = {"range": [-0.5, p - 0.5], "constrain": "domain", "visible": False}
        figure.update_layout(
            {
                x.replace("x", "xaxis"): blank | {"anchor": y},
                y.replace("y", "yaxis"): blank | {"anchor": x, "scaleanchor": x},
            }
        )
        # The title of an axis would begin its second line above the first.
        figure.add_annotation(
            text=title, xref=f"{x} domain", yref=f"{y} domain", x=0.5, y=0, xanchor="center", yanchor="top",
            font={"size": 13},
        )  # fmt: skip
    # Room for the colour bar above and the titles below, instead of a slider.
    figure.layout.height += ABOVE + UNDER - panels.BELOW
    figure.update_layout(margin={"l": 8, "r": 8, "t": ABOVE, "b": UNDER})
    figure.layout.meta = {**figure.layout.meta, "below": ABOVE + UNDER}

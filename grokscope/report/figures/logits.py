"""The logit of one answer over all inputs, at a few steps, the last of which can be chosen."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import elements, panels
from grokscope.report.page import theme
from grokscope.report.page.frame import SLIDER
from grokscope.report.run.readings import Readings, spread
from grokscope.report.words import Lang, count, say
from grokscope.runs.snapshot import Snapshot

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ANSWER = 0  # its logit is shown; any other answer would do
MOMENTS = 4
ROOM = 0.03  # of a panel, between it and its title
MOST_FRAMES = 16  # of the last panel: each has as many numbers as there are inputs
ABOVE, UNDER = 62, 48  # pixels


@draws("run")
def logits(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The logit of one answer over all inputs (a, b), less the input's mean over the answers, at up to four steps."""
    if (reason := readings.no_circuit) is not None:
        return reason
    shown = {step: (name, readings.snapshot(step)) for step, name in _moments(readings).items()}
    shown = {step: (name, snapshot) for step, (name, snapshot) in shown.items() if snapshot.is_finite}
    figure, p = theme.blank(), readings.run.config.build_task().n_classes
    ends = [say(f"axis.{end}", lang) for end in ("lowest", "highest")]
    titles = []
    for index, (step, (name, snapshot)) in enumerate(shown.items()):
        levels, said = _panel(snapshot, p)
        figure.add_heatmap(
            **levels, zmin=0, zmax=100, **panels.axes(index), showscale=not index,
            hovertemplate="a = %{x}, b = %{y}: %{z}%<extra></extra>",
            colorbar={
                "orientation": "h", "thickness": 10, "len": 0.5, "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom",
                "tickvals": [14, 86], "ticktext": ends,
            },
        )  # fmt: skip
        titles.append(_title(step, say(f"moment.{name}", lang) if name else "", said, lang))
    _squares(figure, titles[:-1], len(titles), p)
    # The colour bar would centre a title of its own, and cut it off on a phone.
    figure.add_annotation(
        text=say("axis.logit", lang, c=ANSWER), xref="paper", yref="paper", x=0, y=1, yshift=36, xanchor="left",
        yanchor="bottom",
    )  # fmt: skip
    _follow(figure, readings, titles[-1], p, lang)
    return figure


def _panel(snapshot: Snapshot, p: int) -> tuple[dict[str, Any], str]:
    """The logits of a step in hundredths between their lowest and their highest, and these two in words."""
    grid = elements.centred_logits(snapshot)[:, ANSWER].reshape(p, p).numpy()
    low, high = grid.min(), grid.max()
    # Small integers, as Plotly packs them, are finer than the eye sees.
    levels = (100 * (grid - low) / max(high - low, 1e-300)).round().astype(np.uint8)
    return {"z": levels.T}, f"{low:.3g} … {high:.3g}".replace("-", "−")


def _title(step: int, moment: str, said: str, lang: Lang) -> str:
    return f"{say('axis.at_step', lang, step=count(step))}{moment}<br>{said}"


def _follow(figure: "Figure", readings: Readings, title: str, p: int, lang: Lang) -> None:
    """The last panel with its title moves with the slider."""
    traces: Any = figure.data
    place = len(traces) - 1
    # A mark's text below the panel, on its edge: an annotation would not move, and a mark beyond it is not drawn.
    words = {"x": [(p - 1) / 2], "y": [-0.5 - ROOM * p], "textposition": "bottom center"}
    figure.add_scatter(
        **words, text=[title], mode="text", **panels.axes(place), cliponaxis=False, showlegend=False,
        hoverinfo="skip", textfont={"size": 13},
    )  # fmt: skip
    frames = {}
    for step in spread(readings.checkpoints, MOST_FRAMES):
        if (snapshot := readings.snapshot(step)).is_finite:
            levels, said = _panel(snapshot, p)
            frames[step] = [{"type": "heatmap", **levels}, {**words, "text": [_title(step, "", said, lang)]}]
    panels.animate(figure, frames, lang, traces=[place, place + 1])


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


def _squares(figure: "Figure", titles: list[str], n: int, p: int) -> None:
    """Places n panels side by side, on a phone two in a row, each p by p cells, its title below."""
    panels.arrange(figure, n, columns=MOMENTS, narrow=2, side=340, gaps=(0.03, 0.13))
    for index in range(n):
        x, y = panels.axes(index).values()
        blank = {"constrain": "domain", "visible": False}
        across = blank | {"range": [-0.5 - ROOM * p / 2, p - 0.5 + ROOM * p / 2]}
        up = blank | {"range": [-0.5 - ROOM * p, p - 0.5]}
        figure.update_layout(
            {
                x.replace("x", "xaxis"): across | {"anchor": y},
                y.replace("y", "yaxis"): up | {"anchor": x, "scaleanchor": x},
            }
        )
    for index, title in enumerate(titles):
        x, y = panels.axes(index).values()
        # The title of an axis would begin its second line above the first.
        figure.add_annotation(
            text=title, xref=f"{x} domain", yref=f"{y} domain", x=0.5, y=0, xanchor="center", yanchor="top",
            yshift=3, font={"size": 13},
        )  # fmt: skip
    # Room for the colour bar above and the titles below.
    figure.layout.height += ABOVE + UNDER + SLIDER - panels.BELOW
    figure.update_layout(margin={"l": 8, "r": 8, "t": ABOVE, "b": UNDER + SLIDER})
    figure.layout.meta = {**figure.layout.meta, "below": ABOVE + UNDER + SLIDER}

"""The L and the U: train and test loss against the norm that training kept."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import norms, steps
from grokscope.report.page import theme
from grokscope.report.words import Lang, number, percent, say
from grokscope.statistics.goldilocks import Shell
from grokscope.statistics.intervals import Effect
from grokscope.studies.tables.spheres import GENERALISED, Losses

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PANEL, TITLE = 330, 26  # pixels of a panel, and of its title above it


@draws("study", says={"least": percent(GENERALISED)})
def l_and_u(panels: Sequence[Losses], lang: Lang = "en") -> "Figure | Missing":
    """Train loss (the L) and test loss (the U) against the norm that training kept, a panel each way to train.

    The shell is shaded, more lightly over its ends' intervals; an end that is not known lies at the edge of the figure.
    Every run is a small dot; lines are means over seeds with their intervals. `Missing` where no loss is above 0.
    """
    if not any(_known(effect) for panel in panels for effect in (*panel.reduced.train, *panel.reduced.test)):
        return Missing(say("missing.nothing", lang))
    n = len(panels)
    figure = theme.blank(80 + (PANEL + TITLE) * n)
    edges = norms.edges(np.concatenate([panel.reduced.norms for panel in panels]))
    title = TITLE / (PANEL + TITLE) / n
    height, losses = 1 / n - title, []
    for place, panel in enumerate(panels):
        axis = "y" if not place else f"y{place + 1}"
        top = 1 - title - place / n
        figure.update_layout({axis.replace("y", "yaxis"): {"domain": [max(top - height, 0.0), top], "anchor": "x"}})
        losses += _losses(figure, panel, axis, lang, first=not place)
        _panel_title(figure, _titled(panel, lang), top)
        _shade_shell(figure, panel.shell, edges, axis)
    figure.add_scatter(
        x=[None], y=[None], mode="markers", name=say("series.shell", lang), hoverinfo="skip",
        marker={"symbol": "square", "size": 13, "color": theme.GREEN, "opacity": 0.35},
    )  # fmt: skip
    norms.axis(figure, edges, say("axis.norm_kept", lang))
    figure.update_layout(xaxis={"anchor": "y" if n == 1 else f"y{n}"})
    figure.update_yaxes(
        type="log", dtick=steps.log_ticks(losses), exponentformat="power", range=_log_range(losses),
        title={"text": say("axis.squared_error" if panels[0].squared_error else "axis.loss", lang)},
    )  # fmt: skip
    return figure


def _losses(figure: "Figure", panel: Losses, axis: str, lang: Lang, *, first: bool) -> list[float]:
    """Dots of the runs, lines of the means; all losses that were drawn."""
    drawn: list[float] = []
    for split, effects in (("train", panel.reduced.train), ("test", panel.reduced.test)):
        colour, _ = theme.SPLITS[split]
        shared = {"legendgroup": split, "yaxis": axis}
        values = getattr(panel, split)
        kept = np.isfinite(values) & (values > 0)
        drawn += values[kept].tolist()
        figure.add_scatter(
            x=panel.norms[kept].tolist(), y=values[kept].tolist(), mode="markers", showlegend=False,
            marker={"size": 5, "color": colour, "opacity": 0.45}, hoverinfo="skip", **shared,
        )  # fmt: skip
        known = [_known(effect) for effect in effects]
        drawn += [effect.value for effect in known if effect]
        figure.add_scatter(
            x=panel.reduced.norms.tolist(), y=[effect and effect.value for effect in known],
            name=say(f"split.{split}", lang), mode="lines+markers", line={"color": colour}, marker={"size": 7},
            showlegend=first, error_y=_bars(known, colour), hovertemplate="|w| = %{x:.3g}: %{y:.2e}", **shared,
        )  # fmt: skip
    return drawn


def _known(effect: Effect | Missing) -> Effect | None:
    """What has a place on a logarithmic axis."""
    return effect if isinstance(effect, Effect) and effect.value > 0 else None


def _log_range(losses: list[float]) -> list[float]:
    """The range of the losses drawn, so that an interval that ends near 0 does not stretch the axis."""
    low, high = np.log10([min(losses), max(losses)])
    beyond = 0.05 * (high - low) + 0.05
    return [float(low - beyond), float(high + beyond)]


def _titled(panel: Losses, lang: Lang) -> str:
    low, high = ("?" if isinstance(end, Missing) else number(end.value) for end in (panel.shell.low, panel.shell.high))
    return say("arm.shell", lang, arm=panel.title, low=low, high=high)


def _panel_title(figure: "Figure", text: str, top: float) -> None:
    figure.add_annotation(
        text=text, x=0, y=top, xref="paper", yref="paper", xanchor="left", yanchor="bottom",
        font={"size": 13}, align="left",
    )  # fmt: skip


def _bars(known: list[Effect | None], colour: str) -> dict[str, Any]:
    """Error bars; of length 0 where there is no interval."""

    def arm(effect: Effect | None, sign: int) -> float:
        end = None if effect is None else effect.high if sign > 0 else effect.low
        return 0.0 if effect is None or not isinstance(end, float) else max(sign * (end - effect.value), 0.0)

    return {
        "type": "data", "symmetric": False, "array": [arm(effect, 1) for effect in known],
        "arrayminus": [arm(effect, -1) for effect in known], "color": colour, "thickness": 1.5, "width": 4,
    }  # fmt: skip


def _shade_shell(figure: "Figure", shell: Shell, edges: tuple[float, float], axis: str) -> None:
    """The shell behind one panel; nothing where neither end is known."""
    if isinstance(shell.low, Missing) and isinstance(shell.high, Missing):
        return
    ends = [
        (end.value, *(side if isinstance(side, float) else end.value for side in (end.low, end.high)))
        if isinstance(end, Effect)
        else (edge, edge, edge)
        for end, edge in zip((shell.low, shell.high), edges, strict=True)
    ]
    for x0, x1, opacity in ((ends[0][1], ends[1][2], norms.BAND), (ends[0][0], ends[1][0], norms.MARK)):
        figure.add_shape(
            type="rect", xref="x", yref=f"{axis} domain", x0=x0, x1=x1, y0=0, y1=1, layer="below", line={"width": 0},
            fillcolor=theme.GREEN, opacity=opacity,
        )  # fmt: skip

"""The two-circuit model of Varma et al. 2023 on its way: losses, and the logits of the two circuits."""

import math
from typing import TYPE_CHECKING

from grokscope.numerics.two_circuits import Trajectory, fixed_point
from grokscope.report import theme
from grokscope.report.words import Lang, number, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PANELS = ((0.56, 1.0), (0.0, 0.46))  # of the height: losses, logits


def two_circuits(found: Trajectory, lang: Lang = "en") -> "Figure":
    """Above both losses, below both circuits' logits with the levels at which they come to rest.

    Step 0 has no place on the logarithmic axis. Raises ValueError for a trajectory of fewer than two steps.
    """
    from plotly.graph_objects import Figure

    shown = found.steps > 0
    if shown.sum() < 2:
        raise ValueError(f"a curve needs two steps after step 0, got the steps {found.steps.tolist()}")
    steps = found.steps[shown].tolist()
    figure = Figure()
    theme.layout(figure, height=520)
    for split, losses in (("train", found.train_loss), ("test", found.test_loss)):
        figure.add_scatter(
            x=steps, y=losses[shown].tolist(), name=say(f"split.{split}", lang), mode="lines", yaxis="y",
            line={"color": theme.SPLITS[split][0], "width": 2}, hovertemplate="%{y:.3g}",
        )  # fmt: skip
    rest = fixed_point(found.model)
    for circuit, logits, colour in (("G", found.w_G, theme.GREEN), ("M", found.w_M, theme.PINK)):
        figure.add_scatter(
            x=steps, y=logits[shown].tolist(), name=say(f"two_circuits.{circuit}", lang), mode="lines", yaxis="y2",
            line={"color": colour, "width": 2}, hovertemplate="%{y:.3f}",
        )  # fmt: skip
    balance = say("two_circuits.balance", lang, G=number(rest.w_G), M=number(rest.w_M))
    figure.add_scatter(  # one trace with a gap: both levels hide and show together
        x=[steps[0], steps[-1], None, steps[0], steps[-1]], y=[rest.w_G, rest.w_G, None, rest.w_M, rest.w_M],
        name=balance, mode="lines", line={"color": theme.NEUTRAL, "width": 1.5, "dash": "dash"}, yaxis="y2",
        hoverinfo="skip",
    )  # fmt: skip
    figure.update_xaxes(
        type="log", anchor="y2", dtick=theme.log_ticks(steps), tickformat=",d", hoverformat=",d",
        title={"text": say("axis.step", lang)},
    )  # fmt: skip
    losses = [*found.train_loss[shown].tolist(), *found.test_loss[shown].tolist()]
    figure.update_yaxes(
        type="log", domain=list(PANELS[0]), anchor="x", dtick=theme.log_ticks(losses), exponentformat="power",
        title={"text": say("axis.loss", lang)},
    )  # fmt: skip
    panel = {"domain": list(PANELS[1]), "anchor": "x", "gridcolor": theme.GRID, "zeroline": False, "automargin": True}
    figure.update_layout(yaxis2=panel | {"title": {"text": say("axis.circuit_logit", lang)}})
    return figure


def caption(found: Trajectory, lang: Lang = "en") -> str:
    """What is drawn and how to read it, with the model's own numbers."""
    model = found.model
    chance = number(math.log(model.n_classes))
    return say("caption.two_circuits", lang, price=number(model.P_M / model.P_G), chance=chance)

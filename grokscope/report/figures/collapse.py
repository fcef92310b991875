"""Softmax collapse: how much of the softmax and of the loss is left after rounding."""

from typing import TYPE_CHECKING

from grokscope.errors import Missing
from grokscope.numerics.precision import BITS
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings
from grokscope.report.words import Lang, say
from grokscope.statistics.slingshots import slingshots

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLOURS = (theme.ORANGE, theme.PINK, theme.BLUE, theme.GREEN)
LOOKS = dict(zip(BITS, zip(COLOURS, ("dash", "dashdot", "longdash", "solid"), strict=True), strict=True))


def notes(readings: Readings, lang: Lang) -> list[str]:
    """What the triangles are, where there are any."""
    return [say("note.slingshots", lang)] if _peaks(readings) else []


@draws("run", shaded=True, notes=notes)
def collapse(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Share of training inputs whose softmax would have collapsed, by dtype, and whose loss is 0; below it the size of
    the logits, with the slingshots."""
    rates = {dtype: readings.series("stability.collapse_rate", f"dtype={dtype}") for dtype in BITS}
    size = readings.series("stability.logit_scale")
    if isinstance(size, Missing):
        known = readings.numbers and not readings.run.config.build_task().n_classes
        return Missing("missing.no_softmax" if known else readings.absence)
    figure = steps.stack(readings, lang, ["axis.collapsed", "axis.logits"], shares=[0.6, 0.4], height=480)
    own = getattr(readings.run.config, "softmax_dtype", None)
    for dtype, series in rates.items():
        name = say("series.collapse", lang, dtype=dtype)
        colour, dash = LOOKS[dtype]
        steps.line(figure, series, name, colour, dash=dash, width=4 if dtype == own else 1.8)
    zero = readings.series("stability.zero_loss_share")
    steps.line(figure, zero, say("series.zero_loss", lang), theme.NEUTRAL, dash="dot", width=2.5)
    steps.line(figure, size, say("series.logit_scale", lang), theme.AMBER, axis="y2")
    _slingshots(figure, readings, lang)
    figure.update_layout(yaxis={"range": [-0.03, 1.03], "tickformat": ".0%"}, yaxis2={"rangemode": "tozero"})
    return figure


def _slingshots(figure: "Figure", readings: Readings, lang: Lang) -> None:
    """A triangle at the peak of each, where there are any."""
    peaks = _peaks(readings)
    heights = [readings.at(peak, "stability.logit_scale") for peak in peaks]
    if peaks:
        figure.add_scatter(
            x=peaks, y=heights, mode="markers", yaxis="y2",
            name=say("series.slingshots", lang, n=len(peaks)), hovertemplate="%{x:,d}",
            marker={"symbol": "triangle-up", "size": 10, "color": theme.RED},
        )  # fmt: skip


def _peaks(readings: Readings) -> list[int]:
    """The steps of the slingshots' peaks."""
    loss, norm = readings.series("behaviour.train_loss"), readings.series("weights.norm")
    if isinstance(loss, Missing) or isinstance(norm, Missing) or loss[0].tolist() != norm[0].tolist():
        return []
    return [slingshot.peak for slingshot in slingshots(loss[0], norm=norm[1], train_loss=loss[1])]

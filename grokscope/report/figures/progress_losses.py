"""Restricted and excluded loss beside train and test loss."""

from typing import TYPE_CHECKING

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings
from grokscope.report.words import Lang, count, say
from grokscope.statistics.circuit_phases import Border, circuit_phases
from grokscope.statistics.series import align

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@draws("run", shaded=True)
def progress_losses(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Restricted and excluded loss beside train and test loss."""
    if isinstance(readings.key_frequencies, Missing):
        return readings.key_frequencies
    restricted = readings.series("circuits.restricted_loss", "split=all")
    excluded = readings.series("circuits.excluded_loss")
    if isinstance(restricted, Missing) or isinstance(excluded, Missing):
        return Missing(readings.absence)
    figure = steps.stack(readings, lang, ["axis.loss"], shares=[1], height=430)
    for split in ("train", "test"):
        colour, dash = theme.SPLITS[split]
        steps.line(figure, readings.series(f"behaviour.{split}_loss"), say(f"split.{split}", lang), colour, dash=dash)
    steps.line(figure, restricted, say("series.restricted", lang), theme.GREEN, dash="dash", mode="lines+markers")
    steps.line(figure, excluded, say("series.excluded", lang), theme.AMBER, dash="dash", mode="lines+markers")
    shown = [readings.series("behaviour.train_loss"), readings.series("behaviour.test_loss"), restricted, excluded]
    losses = [loss for series in shown if isinstance(series, tuple) for loss in steps.positive(series)[1]]
    figure.update_yaxes(type="log", exponentformat="power", dtick=steps.log_ticks(losses))
    figure.update_traces(hovertemplate="%{y:.3g}")
    _borders(figure, readings, losses, lang)
    return figure


def _borders(figure: "Figure", readings: Readings, losses: list[float | None], lang: Lang) -> None:
    """The ends of memorisation, circuit formation and cleanup, each with the range that other levels would give."""
    loss, norm = readings.series("behaviour.test_loss"), readings.series("weights.squared_norm")
    if isinstance(loss, Missing) or isinstance(norm, Missing):
        return
    steps, aligned = align({"loss": loss, "norm": norm})
    phases = circuit_phases(
        steps, test_loss=aligned["loss"], squared_norm=aligned["norm"], onset_at=readings.phases.onset_at
    )
    if isinstance(phases, Missing):
        return
    known = [value for value in losses if value is not None and value > 0]
    borders = {
        "memorization": (Border(at=phases.memorization, low=phases.memorization, high=phases.memorization), "dot"),
        "formation": (phases.formation, "dash"),
        "cleanup": (phases.cleanup, "solid"),
    }
    for name, (border, dash) in borders.items():
        if isinstance(border, Missing):
            continue
        said = say(f"border.{name}", lang, step=count(border.at))
        figure.add_scatter(
            x=[border.at] * 2, y=[min(known), max(known)], mode="lines", name=said, hoverinfo="skip",
            line={"color": theme.NEUTRAL, "dash": dash, "width": 1.5},
        )  # fmt: skip
        figure.add_shape(
            type="line", xref="x", yref="paper", x0=border.low, x1=border.high, y0=0, y1=0,
            line={"color": theme.NEUTRAL, "width": 5},
        )  # fmt: skip

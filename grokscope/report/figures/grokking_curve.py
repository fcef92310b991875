"""Accuracy and loss on train, test, twin and fresh inputs, with the phases of the run."""

from typing import TYPE_CHECKING

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings, thresholds
from grokscope.report.words import Lang, count, number, percent, say
from grokscope.statistics.notes import Note

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Below this a loss is zero for all purposes: float32 losses end near 1e-7, float64 ones go on falling.
SMALLEST_LOSS = 1e-9


def notes(readings: Readings, lang: Lang) -> list[str]:
    """The definitions of the phases with their thresholds; and oddities of the curves."""
    limits = thresholds()
    inputs = say("inputs.fresh" if readings.fresh_phases else "inputs.test", lang)
    levels = {name: percent(limits[f"{name}_threshold"]) for name in ("train", "test")}
    first = say("phase.note", lang, inputs=inputs, stable=limits["stable"], **levels)
    return [first, *(_said(note, lang) for note in readings.phases.notes)]


def _said(note: Note, lang: Lang) -> str:
    values = {"value": number(note.value), "level": number(note.level)}
    return say(f"note.{note.kind}", lang, curve=note.curve.replace("_", " "), step=count(note.step), **values)


@draws("run", shaded=True, weights=False, notes=notes)
def grokking_curve(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Accuracy, and below it loss, on train, test, twin and fresh inputs against the step, with the phases named."""
    figure = steps.blank(600 if readings.has_answers else 420)
    drawn, losses = _curves(figure, readings, lang)
    if not drawn:
        return Missing("missing.no_evaluation")
    steps.step_axis(figure, readings, lang)
    # Three panels over one step axis: the phases' lanes, accuracy, loss.
    top, lanes = 0.85 if readings.windows else 1.0, max(3, len(readings.windows))
    figure.update_layout(
        xaxis={"anchor": "y3"},
        yaxis={"domain": [0.87, 1.0], "range": [-0.7, lanes - 0.3], "visible": False, "fixedrange": True},
        yaxis2={
            "domain": [0.45, top], "visible": readings.has_answers, "range": [-0.03, 1.03], "tickformat": ".0%",
            "anchor": "x", "title": {"text": say("axis.accuracy", lang)},
        },
        yaxis3={
            "domain": [0.0, 0.40 if readings.has_answers else top], "type": "log", "dtick": steps.log_ticks(losses),
            "anchor": "x", "exponentformat": "power", "title": {"text": say(readings.loss_axis, lang)},
        },
    )  # fmt: skip
    steps.shade(figure, readings)
    steps.lanes(figure, readings, lang)
    return figure


def _curves(figure: "Figure", readings: Readings, lang: Lang) -> tuple[int, list[float | None]]:
    """Draws accuracy (axis y2) and loss (y3) of every split; returns the number of points, and all losses."""
    drawn, losses = 0, []
    shown = "accuracy" if readings.has_answers else "loss"
    for split, (colour, dash) in theme.SPLITS.items():
        for quantity, axis in (("accuracy", "y2"), ("loss", "y3")):
            series = readings.series(f"behaviour.{split}_{quantity}")
            if isinstance(series, Missing):
                continue
            x, y = steps.positive(series)
            drawn += len(x)
            if quantity == "loss":
                y = [value if value is not None and value > SMALLEST_LOSS else None for value in y]
                losses += y
            figure.add_scatter(
                x=x, y=y, name=say(f"split.{split}", lang), legendgroup=split, showlegend=quantity == shown,
                mode="lines", line={"color": colour, "dash": dash}, yaxis=axis,
                hovertemplate="%{y:.2%}" if quantity == "accuracy" else "%{y:.3g}",
            )  # fmt: skip
    return drawn, losses

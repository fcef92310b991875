"""Curves of a run against its training steps, one function a figure: Readings -> plotly Figure, or `Missing`.

The figures over residues and frequencies are in `planes.py`. `Missing.reason` is an id of `words`.
"""

import functools
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.report import theme
from grokscope.report.readings import Readings, Series
from grokscope.report.words import Lang, count, say
from grokscope.statistics.circuit_phases import Border, circuit_phases
from grokscope.statistics.contrasts import low_high_mid
from grokscope.statistics.series import align

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Below this a loss is zero for all purposes: float32 losses end near 1e-7, float64 ones go on falling.
SMALLEST_LOSS = 1e-9
# The line of a level that stands at one step reaches this factor of steps to either side: wide enough to be seen.
MARK = 1.15


def grokking_curve(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Accuracy, and below it loss, on train, test, twin and fresh inputs against the step, with the phases named."""
    from plotly.graph_objects import Figure

    figure, drawn, losses = Figure(), 0, []
    shown = "accuracy" if readings.has_answers else "loss"
    for split, (colour, dash) in theme.SPLITS.items():
        for quantity, axis in (("accuracy", "y2"), ("loss", "y3")):
            series = readings.series(f"behaviour.{split}_{quantity}")
            if isinstance(series, Missing):
                continue
            x, y = theme.positive(series)
            drawn += len(x)
            if quantity == "loss":
                y = [value if value is not None and value > SMALLEST_LOSS else None for value in y]
                losses += y
            figure.add_scatter(
                x=x, y=y, name=say(f"split.{split}", lang), legendgroup=split, showlegend=quantity == shown,
                mode="lines", line={"color": colour, "dash": dash, "width": 2}, yaxis=axis,
                hovertemplate="%{y:.2%}" if quantity == "accuracy" else "%{y:.3g}",
            )  # fmt: skip
    if not drawn:
        return Missing("missing.no_evaluation")
    # Three panels over one step axis: the phases' lanes, accuracy, loss.
    theme.layout(figure, height=600 if readings.has_answers else 420)
    theme.step_axis(figure, readings, lang)
    top, lanes = 0.85 if theme.windows(readings) else 1.0, max(3, len(theme.windows(readings)))
    figure.update_layout(
        xaxis={"anchor": "y3"},
        yaxis={"domain": [0.87, 1.0], "range": [-0.7, lanes - 0.3], "visible": False, "fixedrange": True},
        yaxis2={
            "domain": [0.45, top], "visible": readings.has_answers, "range": [-0.03, 1.03], "tickformat": ".0%",
            "gridcolor": theme.GRID, "zeroline": False, "anchor": "x", "title": {"text": say("axis.accuracy", lang)},
        },
        yaxis3={
            "domain": [0.0, 0.40 if readings.has_answers else top], "type": "log", "dtick": theme.log_ticks(losses),
            "gridcolor": theme.GRID, "zeroline": False, "anchor": "x",
            "exponentformat": "power", "title": {"text": say(readings.loss_axis, lang)},
        },
    )  # fmt: skip
    theme.shade(figure, readings)
    theme.lanes(figure, readings, lang)
    return figure


def weight_norm(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The 2-norm of all weights, and of each weight tensor."""
    series = readings.series("weights.norm")
    if isinstance(series, Missing):
        return series
    figure = theme.stack(readings, lang, ["axis.norm"], shares=[1], height=430)
    theme.line(figure, series, say("series.all_weights", lang), theme.NEUTRAL, width=4)
    views = readings.views("weights.norm_by_tensor")
    # Biases and positions are small: their curves are a click away instead of crowding the bottom.
    for view, colour in zip(views, theme.SERIES * (len(views) // len(theme.SERIES) + 1), strict=False):
        name = view.removeprefix("tensor=")
        theme.line(figure, readings.series("weights.norm_by_tensor", view), name, colour, width=1.6)
        figure.data[-1].visible = "legendonly" if name.startswith("b_") or name == "W_pos" else True
    figure.update_yaxes(rangemode="tozero")
    return figure


def attention_entropy(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The normalised entropy of each head's attention and of their mean, with its levels; 1 is uniform."""
    views = readings.views("attention.entropy")
    if not views:
        return Missing("missing.no_attention" if readings.numbers else readings.absence)
    figure = theme.stack(readings, lang, ["axis.entropy"], shares=[1], height=400)
    theme.level(figure, readings, 1, say("series.uniform", lang))
    for view, colour in zip(views, theme.SERIES * len(views), strict=False):
        head = view.removeprefix("head=")
        theme.line(figure, readings.series("attention.entropy", view), say("series.head", lang, head=head), colour)
    mean = _mean([series for view in views if isinstance(series := readings.series("attention.entropy", view), tuple)])
    theme.line(figure, mean, say("series.heads_mean", lang), theme.NEUTRAL, width=4)
    _levels(figure, readings, mean, lang)
    figure.update_yaxes(range=[0, 1.06])
    return figure


def _mean(series: list[Series]) -> Series:
    """The mean of several series at the steps that all of them have."""
    steps = functools.reduce(np.intersect1d, (at for at, _ in series))
    return steps, np.mean([values[np.isin(at, steps)] for at, values in series], axis=0)


def _levels(figure: "Figure", readings: Readings, mean: Series, lang: Lang) -> None:
    """The three levels of a mean entropy as short lines; the legend compares them, beyond the fluctuation or not."""
    mem, gen = readings.phases.memorized_at, readings.phases.generalized_at
    found = low_high_mid(*mean, memorized_at=mem, generalized_at=gen)
    if isinstance(found, Missing) or mem is None or gen is None:
        return
    signs = dict(zip(("rise", "fall", "rest"), ({1: ">", 0: "≈", -1: "<"}[sign] for sign in found.signs), strict=True))
    marks = {"low": (mem, found.low), "high": (found.high_at, found.high), "mid": (gen, found.mid)}
    first, last = (10**edge for edge in theme.log_range(readings))
    x, y, names = [], [], []
    for name, (step, value) in marks.items():
        # "mid" is drawn over the steps it is the mean of, its name above; those of the others stand to the left, where
        # the curve has come from above (low) or from below (high).
        start, end = (step, last) if name == "mid" else (step / MARK, step * MARK)
        start, end = max(start, first), min(end, last)
        x += [start, (start * end) ** 0.5, end, None]
        y += [value] * 3 + [None]
        label = say(f"level.{name}", lang)
        names += ["", label, "", ""] if name == "mid" else [f"{label} ", "", "", ""]
    where = ["middle left"] * 8 + ["top center"] * 4
    figure.add_scatter(
        x=x, y=y, text=names, textposition=where, mode="lines+text", line={"color": theme.RED, "width": 4},
        textfont={"size": 13, "color": theme.INK}, name=say("series.levels", lang, **signs), hoverinfo="skip",
    )  # fmt: skip


def progress_losses(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Restricted and excluded loss beside train and test loss."""
    if isinstance(readings.key_frequencies, Missing):
        return readings.key_frequencies
    restricted = readings.series("circuits.restricted_loss", "split=all")
    excluded = readings.series("circuits.excluded_loss")
    if isinstance(restricted, Missing) or isinstance(excluded, Missing):
        return Missing(readings.absence)
    figure = theme.stack(readings, lang, ["axis.loss"], shares=[1], height=430)
    for split in ("train", "test"):
        colour, dash = theme.SPLITS[split]
        theme.line(figure, readings.series(f"behaviour.{split}_loss"), say(f"split.{split}", lang), colour, dash=dash)
    theme.line(figure, restricted, say("series.restricted", lang), theme.GREEN, dash="dash", mode="lines+markers")
    theme.line(figure, excluded, say("series.excluded", lang), theme.AMBER, dash="dash", mode="lines+markers")
    shown = [readings.series("behaviour.train_loss"), readings.series("behaviour.test_loss"), restricted, excluded]
    losses = [loss for series in shown if isinstance(series, tuple) for loss in theme.positive(series)[1]]
    figure.update_yaxes(type="log", exponentformat="power", dtick=theme.log_ticks(losses))
    figure.update_traces(hovertemplate="%{y:.3g}")
    _borders(figure, readings, losses, lang)
    return figure


def _borders(figure: "Figure", readings: Readings, losses: list[float | None], lang: Lang) -> None:
    """Where memorisation, circuit formation and cleanup end, each with the range that other levels would give."""
    loss, norm = readings.series("behaviour.test_loss"), readings.series("weights.squared_norm")
    if isinstance(loss, Missing) or isinstance(norm, Missing):
        return
    steps, aligned = align({"loss": loss, "norm": norm})
    found = circuit_phases(
        steps, test_loss=aligned["loss"], squared_norm=aligned["norm"], onset_at=readings.phases.onset_at
    )
    if isinstance(found, Missing):
        return
    known = [value for value in losses if value is not None and value > 0]
    borders = {
        "memorization": (Border(at=found.memorization, low=found.memorization, high=found.memorization), "dot"),
        "formation": (found.formation, "dash"),
        "cleanup": (found.cleanup, "solid"),
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


def gini(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """How sparse the embedding and the neuron-logit map are in frequency."""
    if not readings.cyclic:
        return Missing("missing.random_labels" if readings.run.config.random_labels else "missing.not_cyclic")
    found = {
        "series.embedding": (readings.series("circuits.gini_embedding"), theme.BLUE),
        "series.neuron_logit": (readings.series("circuits.gini_neuron_logit"), theme.ORANGE),
    }
    if all(isinstance(series, Missing) for series, _ in found.values()):
        return Missing(readings.absence)
    figure = theme.stack(readings, lang, ["axis.gini"], shares=[1], height=380)
    for name, (series, colour) in found.items():
        theme.line(figure, series, say(name, lang), colour)
    figure.update_yaxes(range=[0, 1.02])
    return figure

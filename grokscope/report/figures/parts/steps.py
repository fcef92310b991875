"""Curves against training steps: the step axis, the phases behind it, panels over it."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.parts.thinning import thinned
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings, Series
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


# A phase's label needs this share of the axis inside its bar on a phone: about 70 of 300 pixels.
LABEL_SHARE = 0.25


def blank(height: float) -> "Figure":
    """A figure whose hover reads all curves at one step."""
    return theme.blank(height, hovermode="x unified")


def log_range(readings: Readings) -> tuple[float, float]:
    """The step axis in powers of ten: from the first evaluated step above 0 to the last."""
    train = readings.series("behaviour.train_accuracy")
    # Imported curves need not have a training curve.
    shown = [train] if isinstance(train, tuple) else list(readings.numbers.values())
    first = min((int(step) for steps, _ in shown for step in steps if step > 0), default=1)
    return float(np.log10(first)), float(np.log10(max(readings.last_step, first * 2)))


def step_axis(figure: "Figure", readings: Readings, lang: Lang) -> None:
    """A logarithmic step axis, with room for memorisation at a hundred steps and generalisation at thousands."""
    low, high = log_range(readings)
    margin = 0.01 * (high - low)
    # No standoff of the title: beside a colour bar Plotly 7 then draws the title over the ticks.
    figure.update_xaxes(
        type="log", range=[low - margin, high + margin], dtick=log_ticks([10**low, 10**high]), tickformat=",d",
        hoverformat=",d", title={"text": say("axis.step", lang)},
        minor={"dtick": "D1", "ticks": "outside", "ticklen": 3},
    )  # fmt: skip
    figure.update_layout(meta={"steps": True})  # page.js marks the step of the page on it, and offers a linear axis


def shade(figure: "Figure", readings: Readings) -> None:
    """The phases as bands behind all panels; their names stand in `lanes` or in the text beside."""
    for name, (start, end) in readings.windows.items():
        figure.add_shape(
            type="rect", xref="x", yref="paper", x0=max(start, 1), x1=end, y0=0, y1=1,
            fillcolor=theme.PHASES[name], opacity=0.13, line={"width": 0}, layer="below",
        )  # fmt: skip


def lanes(figure: "Figure", readings: Readings, lang: Lang) -> None:
    """The phases' names, each on a bar in a lane of its own above the panels (axis y), so that no two can collide."""
    low, high = log_range(readings)
    for lane, (name, window) in enumerate(reversed(readings.windows.items())):
        start, end = (float(np.log10(max(step, 1))) for step in window)
        share = [(edge - low) / (high - low) for edge in (start, end)]
        label = say(f"phase.{name}", lang)
        figure.add_scatter(
            x=[10**start, 10**end], y=[lane, lane], mode="lines", line={"color": theme.PHASES[name], "width": 15},
            opacity=0.55, showlegend=False, hoverinfo="skip", yaxis="y",
        )  # fmt: skip
        if share[1] - share[0] >= LABEL_SHARE:
            x, position = (start + end) / 2, "middle center"
        else:
            x, position = (start, "middle left") if share[0] > 0.4 else (end, "middle right")
        figure.add_scatter(
            x=[10**x], y=[lane], mode="text", text=[f" {label} "], textposition=position,
            textfont={"size": 12}, showlegend=False, hoverinfo="skip", cliponaxis=False, yaxis="y",
        )  # fmt: skip


def log_ticks(values: Iterable[float | None]) -> int | str:
    """Plotly's distance of ticks on a log axis: 1, 2, 5, 10 within two decades, else each or every other decade."""
    known = [value for value in values if value is not None and value > 0]
    decades = float(np.log10(max(known) / min(known))) if known else 0.0
    return "D2" if decades < 2 else 1 if decades < 5 else 2


def positive(series: Series) -> tuple[list[int], list[float | None]]:
    """A series for a logarithmic step axis: without step 0, with a gap where it is not finite, and thinned."""
    steps, values = np.asarray(series[0], dtype=np.int64), np.asarray(series[1], dtype=float)
    drawn = (steps > 0) & thinned(steps, values)
    return steps[drawn].tolist(), [float(value) if np.isfinite(value) else None for value in values[drawn]]


def line(
    figure: "Figure",
    series: Series | Missing,
    name: str,
    colour: str,
    *,
    width: float = 2,
    axis: str = "y",
    shown: bool = True,
    size: float = 4,
    **style: str,
) -> None:
    """A curve, where there is one. shown: at once, or when its name in the legend is clicked. style: mode, dash and
    shape, and the symbol of its marks, as Plotly's."""
    if isinstance(series, tuple):
        x, y = positive(series)
        figure.add_scatter(
            x=x, y=y, name=name, mode=style.get("mode", "lines"), yaxis=axis,
            marker={"size": size, "symbol": style.get("symbol", "circle")},
            line={
                "color": colour, "width": width, "dash": style.get("dash", "solid"),
                "shape": style.get("shape", "linear"),
            },
            hovertemplate="%{y:.3f}",
        )  # fmt: skip
        if not shown:
            figure.data[-1].visible = "legendonly"


def level(
    figure: "Figure", readings: Readings, value: float, name: str, *, axis: str = "y", dash: str = "dash"
) -> None:
    """A named horizontal line over all steps."""
    figure.add_scatter(
        x=[10**edge for edge in log_range(readings)], y=[value, value], name=name, mode="lines", hoverinfo="skip",
        line={"color": theme.NEUTRAL, "dash": dash, "width": 1.5}, yaxis=axis,
    )  # fmt: skip


def stack(readings: Readings, lang: Lang, titles: Sequence[str], *, shares: Sequence[float], height: int) -> "Figure":
    """Panels from top to bottom over one step axis, the phases behind them; their axes are y, y2, y3.

    titles: keys of `words`; shares: of the height, adding up to 1.
    """

    figure = blank(height)
    step_axis(figure, readings, lang)
    figure.update_layout(xaxis={"anchor": f"y{len(titles)}" if len(titles) > 1 else "y"})
    gap, top = 0.06, 1.0
    for index, (title, share) in enumerate(zip(titles, shares, strict=True)):
        bottom = top - share * (1 - gap * (len(titles) - 1))
        panel = {"domain": [max(bottom, 0.0), top], "anchor": "x", "title": {"text": say(title, lang)}}
        figure.update_layout({f"yaxis{index + 1}" if index else "yaxis": panel})
        top = bottom - gap
    shade(figure, readings)
    return figure

"""What the figures share: colours, axes over training steps, and the phases behind the curves.

SVG traces only: headless and remote browsers lack WebGL. Text and grid are drawn for a light page; page.css recolours
them on a dark one, and data colours are chosen to be read on both.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.report.readings import Readings, Series
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
INK, GRID = "#475569", "rgba(128,128,128,0.22)"
# Okabe & Ito's colours, which colour-blind readers can tell apart; blue a little lighter for a dark page.
BLUE, ORANGE, PINK, GREEN, SKY, AMBER = "#2b83c6", "#d55e00", "#cc79a7", "#009e73", "#56b4e9", "#e69f00"
NEUTRAL, RED = "#8892a0", "#c44e52"
SPLITS = {"train": (BLUE, "solid"), "test": (ORANGE, "solid"), "twin": (PINK, "dot"), "fresh": (GREEN, "dash")}
SERIES = (BLUE, ORANGE, GREEN, PINK, AMBER, SKY, "#9b7fd1", "#b8860b", "#5f9e6e", RED, "#7f7f7f")
PHASES = {"memorized": "#64748b", "transition": "#eab308", "after": "#7c6cf0", "lost": RED}
# The share of the axis a phase's label needs inside its bar on a phone: about 70 of 300 pixels.
LABEL_SHARE = 0.25


def layout(figure: "Figure", *, height: int) -> None:
    """Size, font, margins and legend."""
    figure.update_layout(
        template="none",
        height=height,
        font={"family": FONT, "size": 13, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 58, "r": 14, "t": 8, "b": 44},
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 13}},
        hovermode="x unified",
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, linecolor=GRID)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, linecolor=GRID, automargin=True)


def log_range(readings: Readings) -> tuple[float, float]:
    """The step axis in powers of ten: from the first evaluated step above 0 to the last."""
    train = readings.series("behaviour.train_accuracy")
    # Curves from elsewhere need not have that of training.
    shown = [train] if isinstance(train, tuple) else list(readings.numbers.values())
    first = min((int(step) for steps, _ in shown for step in steps if step > 0), default=1)
    return float(np.log10(first)), float(np.log10(max(readings.last_step, first * 2)))


def step_axis(figure: "Figure", readings: Readings, lang: Lang) -> None:
    """A logarithmic step axis: memorisation at a hundred steps and generalisation at thousands both have room."""
    low, high = log_range(readings)
    margin = 0.01 * (high - low)
    # No standoff of the title: beside a colour bar Plotly 7 then draws the title over the ticks.
    figure.update_xaxes(
        type="log", range=[low - margin, high + margin], dtick=1, tickformat=",d", hoverformat=",d",
        title={"text": say("axis.step", lang)}, minor={"dtick": "D1", "ticks": "outside", "ticklen": 3},
    )  # fmt: skip


def windows(readings: Readings) -> dict[str, tuple[int, int]]:
    """The phases that this run has, in steps."""
    found = {
        "memorized": readings.phases.memorized,
        "transition": readings.transition,
        "after": readings.phases.after,
        "lost": readings.phases.lost,
    }
    return {name: window for name, window in found.items() if window is not None and window[1] > window[0]}


def shade(figure: "Figure", readings: Readings) -> None:
    """The phases as bands behind all panels; their names stand in the lanes of `lanes` or in the text beside."""
    for name, (start, end) in windows(readings).items():
        figure.add_shape(
            type="rect", xref="x", yref="paper", x0=max(start, 1), x1=end, y0=0, y1=1,
            fillcolor=PHASES[name], opacity=0.13, line={"width": 0}, layer="below",
        )  # fmt: skip


def lanes(figure: "Figure", readings: Readings, lang: Lang) -> None:
    """The phases' names, each on a bar in a lane of its own above the panels (axis y), so that no two can collide."""
    low, high = log_range(readings)
    for lane, (name, window) in enumerate(reversed(windows(readings).items())):
        start, end = (float(np.log10(max(step, 1))) for step in window)
        share = [(edge - low) / (high - low) for edge in (start, end)]
        label = say(f"phase.{name}", lang)
        figure.add_scatter(
            x=[10**start, 10**end], y=[lane, lane], mode="lines", line={"color": PHASES[name], "width": 15},
            opacity=0.55, showlegend=False, hoverinfo="skip", yaxis="y",
        )  # fmt: skip
        if share[1] - share[0] >= LABEL_SHARE:
            x, position = (start + end) / 2, "middle center"
        else:
            x, position = (start, "middle left") if share[0] > 0.4 else (end, "middle right")
        figure.add_scatter(
            x=[10**x], y=[lane], mode="text", text=[f" {label} "], textposition=position,
            textfont={"size": 12, "color": INK}, showlegend=False, hoverinfo="skip", cliponaxis=False, yaxis="y",
        )  # fmt: skip


def log_ticks(values: Iterable[float | None]) -> int | str:
    """Plotly's distance of ticks on a log axis: 1, 2, 5, 10 within two decades, else each or every other decade."""
    known = [value for value in values if value is not None and value > 0]
    decades = float(np.log10(max(known) / min(known))) if known else 0.0
    return "D2" if decades < 2 else 1 if decades < 5 else 2


def loss_axis(figure: "Figure", title: str, shown: Iterable[float], *, log: bool) -> None:
    """Every loss axis of a figure; shown: the losses drawn."""
    figure.update_yaxes(title={"text": title})
    if log:
        figure.update_yaxes(type="log", dtick=log_ticks(shown), exponentformat="power")


def positive(series: Series) -> tuple[list[int], list[float | None]]:
    """A series for a logarithmic step axis: step 0 has no place there, and what is not finite is a gap."""
    pairs = [(int(step), float(value)) for step, value in zip(*series, strict=True) if step > 0]
    return [step for step, _ in pairs], [value if np.isfinite(value) else None for _, value in pairs]


def line(
    figure: "Figure",
    series: Series | Missing,
    name: str,
    colour: str,
    *,
    width: float = 2,
    axis: str = "y",
    **style: str,
) -> None:
    """A curve, where there is one. style: mode, dash and shape, as Plotly's."""
    if isinstance(series, tuple):
        x, y = positive(series)
        figure.add_scatter(
            x=x, y=y, name=name, mode=style.get("mode", "lines"), marker={"size": 4}, yaxis=axis,
            line={
                "color": colour, "width": width, "dash": style.get("dash", "solid"),
                "shape": style.get("shape", "linear"),
            },
            hovertemplate="%{y:.3f}",
        )  # fmt: skip


def level(
    figure: "Figure", readings: Readings, value: float, name: str, *, axis: str = "y", dash: str = "dash"
) -> None:
    """A named horizontal line over all steps."""
    figure.add_scatter(
        x=[10**edge for edge in log_range(readings)], y=[value, value], name=name, mode="lines", hoverinfo="skip",
        line={"color": NEUTRAL, "dash": dash, "width": 1.5}, yaxis=axis,
    )  # fmt: skip


def stack(readings: Readings, lang: Lang, titles: Sequence[str], *, shares: Sequence[float], height: int) -> "Figure":
    """Panels from top to bottom over one step axis, the phases behind them; their axes are y, y2, y3.

    titles: ids of `words`; shares: of the height, adding up to 1.
    """
    from plotly.graph_objects import Figure

    figure = Figure()
    layout(figure, height=height)
    step_axis(figure, readings, lang)
    figure.update_layout(xaxis={"anchor": f"y{len(titles)}" if len(titles) > 1 else "y"})
    gap, top = 0.06, 1.0
    for index, (title, share) in enumerate(zip(titles, shares, strict=True)):
        bottom = top - share * (1 - gap * (len(titles) - 1))
        panel = {"domain": [max(bottom, 0.0), top], "anchor": "x", "gridcolor": GRID, "zeroline": False}
        words = {"title": {"text": say(title, lang)}, "automargin": True}
        figure.update_layout({f"yaxis{index + 1}" if index else "yaxis": panel | words})
        top = bottom - gap
    shade(figure, readings)
    return figure

"""The look of all figures: their colours, and one Plotly template.

SVG traces only: headless and remote browsers lack WebGL. Text and grid are drawn for a light page; page.css recolours
them on a dark one, and data colours are chosen to be read on both.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
INK, GRID, LINK = "#475569", "rgba(128,128,128,0.22)", "rgba(128,128,128,0.5)"
BUTTON, RAIL, EDGE, CLEAR = "rgba(128,128,128,0.15)", "rgba(128,128,128,0.3)", "rgba(128,128,128,0.4)", "rgba(0,0,0,0)"
# Okabe & Ito's colours, which colour-blind readers can tell apart; blue a little lighter for a dark page.
BLUE, ORANGE, PINK, GREEN, SKY, AMBER = "#2b83c6", "#d55e00", "#cc79a7", "#009e73", "#56b4e9", "#e69f00"
NEUTRAL, RED, WHITE = "#8892a0", "#c44e52", "#ffffff"
PALE = "#c3c9d3"  # light enough to stand apart from the blue where no colour is seen
SERIES = (BLUE, ORANGE, GREEN, PINK, AMBER, SKY, "#9b7fd1", RED, "#7f7f7f")
# What tells curves and their marks apart where no colour is seen.
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "star", "pentagon", "hexagon")
SPLITS = {"train": (BLUE, "solid"), "test": (ORANGE, "solid"), "twin": (PINK, "dot"), "fresh": (GREEN, "dash")}
PHASES = {"memorized": "#64748b", "transition": "#eab308", "after": "#7c6cf0", "lost": RED}
# Every colour that a figure may name; scales (Viridis, HSV) stand beside them.
PALETTE = frozenset(
    {INK, GRID, LINK, BUTTON, RAIL, EDGE, CLEAR, NEUTRAL, WHITE, PALE, *SERIES, *PHASES.values()}
    | {colour for colour, _ in SPLITS.values()}
)
NAME = "grokscope"


def look(index: int) -> tuple[str, str]:
    """Colour and dash of one of several curves: no two of the first 45 have both in common."""
    return SERIES[index % len(SERIES)], DASHES[index % len(DASHES)]


@cache
def register() -> str:
    """Registers the template with Plotly, once, and returns its name."""
    import plotly.io
    from plotly.graph_objects import layout

    lines = {"showgrid": True, "showline": True, "zeroline": False}
    axis = lines | {"gridcolor": GRID, "linecolor": GRID, "zerolinecolor": GRID}
    legend = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 13}}
    plotly.io.templates[NAME] = layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": INK},
            "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR, "colorway": SERIES,
            "margin": {"l": 58, "r": 14, "t": 8, "b": 44},
            "legend": legend, "hovermode": "closest",
            "xaxis": axis, "yaxis": axis | {"automargin": True},
            "annotationdefaults": {"showarrow": False, "font": {"size": 13}},
        },
        data={
            "heatmap": [{"colorscale": "Viridis", "colorbar": {"outlinewidth": 0}}],
        },
    )  # fmt: skip
    return NAME


def blank(height: float | None = None, **layout: Any) -> "Figure":
    """A figure without traces, in the template. height: pixels; None where `panels.arrange` sets it."""
    from plotly.graph_objects import Figure

    return Figure(layout={"template": register(), "height": height, **layout})

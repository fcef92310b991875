"""Panels side by side, with a slider over the checkpoints."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from grokscope.report.page import theme
from grokscope.report.page.frame import SLIDER
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BELOW = 60 + SLIDER  # pixels for the names under the last row and the slider; page.js reads them from the figure
WIDTH = 1040  # pixels of the page's column


def axes(index: int) -> dict[str, str]:
    """The axes of a panel, as a trace names them."""
    number = "" if index == 0 else str(index + 1)
    return {"xaxis": f"x{number}", "yaxis": f"y{number}"}


def squares(figure: "Figure", titles: list[str], reaches: list[float], *, columns: int, narrow: int, side: int) -> None:
    """Square panels of one scale in both directions, from -reach to reach, without ticks; below each its title."""
    for index, (title, reach) in enumerate(zip(titles, reaches, strict=True)):
        suffix = axes(index)["xaxis"][1:]
        blank = {"range": [-reach, reach], "showticklabels": False}
        figure.update_layout(
            {
                f"xaxis{suffix}": blank
                | {"anchor": f"y{suffix}", "title": {"text": title, "standoff": 2, "font": {"size": 14}}},
                f"yaxis{suffix}": blank | {"anchor": f"x{suffix}", "scaleanchor": f"x{suffix}", "constrain": "domain"},
            }
        )
    arrange(figure, len(titles), columns=columns, narrow=narrow, side=side)
    figure.update_layout(margin={"l": 8, "r": 8})
    figure.update_xaxes(showgrid=False, zeroline=True, constrain="domain")
    figure.update_yaxes(showgrid=False, zeroline=True)


def arrange(
    figure: "Figure", n: int, *, columns: int, narrow: int, side: int, gaps: tuple[float, float] = (0.04, 0.09)
) -> None:
    """Places the n panels in rows: `columns` of them, on a phone `narrow`, each up to `side` pixels high.

    gaps: between columns and rows, as shares of the figure. page.js chooses between the two by the width of the page,
    and fits the height.
    """
    wide, phone = _grid(n, columns, gaps), _grid(n, narrow, gaps)
    columns, narrow = min(columns, n), min(narrow, n)
    height = -(-n // columns) * min(side, WIDTH // columns) + BELOW
    meta = {"squares": n, "wide": wide, "narrow": phone, "columns": columns, "few": narrow, "side": side}
    figure.update_layout(meta=meta | {"below": BELOW}, height=height, margin={"b": 30 + SLIDER})
    figure.update_layout({key.partition(".")[0]: {"domain": value} for key, value in wide.items()})


def animate(
    figure: "Figure", by_step: Mapping[int, Sequence[Any]], lang: Lang, *, traces: Sequence[int] | None = None
) -> None:
    """A frame a step, and a slider over them, at the last one.

    by_step: data of `traces`, by default of the figure's first ones. Only dots and lines move without being drawn anew.
    """
    from plotly.graph_objects import Frame

    moved = list(range(len(next(iter(by_step.values()))))) if traces is None else list(traces)
    figure.frames = [Frame(name=str(step), data=list(data), traces=moved) for step, data in by_step.items()]
    drawn: Any = figure.data
    _add_slider(figure, sorted(by_step), lang, redraw=any(drawn[place].type != "scatter" for place in moved))


def _add_slider(figure: "Figure", steps: list[int], lang: Lang, *, redraw: bool) -> None:
    """A slider over frames that are named by their steps, and a button that plays them."""
    instant = {"mode": "immediate", "frame": {"duration": 0, "redraw": redraw}, "transition": {"duration": 0}}
    play = {"fromcurrent": False, "frame": {"duration": 150, "redraw": redraw}, "transition": {"duration": 0}}
    slide = [{"method": "animate", "label": f"{step:,}", "args": [[str(step)], instant]} for step in steps]
    figure.update_layout(
        sliders=[
            {
                "active": len(steps) - 1, "steps": slide, "x": 0.0, "len": 1.0, "y": 0,
                "pad": {"t": 52, "b": 6, "l": 90, "r": 14},
                "currentvalue": {"prefix": say("slider.step", lang), "xanchor": "left", "font": {"size": 14}},
                "ticklen": 4, "minorticklen": 2, "font": {"size": 11}, "bgcolor": theme.RAIL,
                "borderwidth": 0,
            }
        ],
        updatemenus=[
            {
                "type": "buttons", "showactive": False, "x": 0, "y": 0, "xanchor": "left", "yanchor": "top",
                "pad": {"t": 66, "l": 2}, "bgcolor": theme.BUTTON, "bordercolor": theme.EDGE,
                "buttons": [{"method": "animate", "label": say("slider.play", lang), "args": [None, play]}],
            }
        ],
    )  # fmt: skip


def _grid(n: int, columns: int, gaps: tuple[float, float]) -> dict[str, Any]:
    """The domains of n panels, as Plotly.relayout names them."""
    columns = min(columns, n)
    rows = -(-n // columns)
    gap_x, gap_y = gaps
    width, height = (1 - gap_x * (columns - 1)) / columns, (1 - gap_y * (rows - 1)) / rows
    domains = {}
    for index in range(n):
        row, column = divmod(index, columns)
        suffix = axes(index)["xaxis"][1:]
        left, top = column * (width + gap_x), 1 - row * (height + gap_y)
        domains[f"xaxis{suffix}.domain"] = [left, min(left + width, 1)]
        domains[f"yaxis{suffix}.domain"] = [max(top - height, 0), top]
    return domains

"""Phase diagrams: comprehension, grokking, memorisation and confusion over two axes. A table -> plotly Figure.

The first entry of a cell's `customdata` is the id of its run ("" for tables from elsewhere), so that a click on the
figure leads to the run: `plotly_click` has it at `event.points[0].customdata[0]`.
Source of the phases: Liu et al. 2022, arXiv:2205.10343, table 1 and figures 5 and 6; on the page of a sweep they are
those of `transitions.phases`, as on every other page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from grokscope.report.figures.base import draws
from grokscope.report.figures.parts.cells import axis, axis_label
from grokscope.report.page import theme
from grokscope.report.words import Lang, count, percent, say
from grokscope.statistics.phase_classes import CLASSES, classify, counts, reached
from grokscope.statistics.unfolding import RULES

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Okabe & Ito's colours, and a grey light enough to stand apart from the blue where no colour is seen.
COLOURS = dict(zip(CLASSES, (theme.GREEN, theme.AMBER, theme.BLUE, theme.PALE), strict=True))
CELL, FRAME = 34, 120  # pixels of a row, and of the frame around the rows
HOVER = "%{customdata[1]}<br>%{customdata[2]}<br>%{customdata[3]}<br>%{customdata[4]}%{customdata[5]}<extra></extra>"


@dataclass(frozen=True, kw_only=True, eq=False)
class PhaseTable:
    """Runs over two axes, each cell with its phase ("" where there is no run).

    x, y: values of the axes, ascending or as given; x_name, y_name: what they are, such as fields of the config.
    train_step, test_step: of the cell's run, infinite where never reached. runs: its id, "" where it has none.
    share: (runs in the cell's phase, runs in the cell).
    """

    x: tuple[Any, ...]
    y: tuple[Any, ...]
    x_name: str
    y_name: str
    classes: np.ndarray
    train_step: Float[np.ndarray, "y x"]
    test_step: Float[np.ndarray, "y x"]
    runs: np.ndarray
    share: np.ndarray


def from_steps(
    train_step: Any,
    test_step: Any,
    *,
    x: Sequence[Any],
    y: Sequence[Any],
    x_name: str = "weight_decay",
    y_name: str = "learning_rate",
    runs: Any = None,
    **rules: Any,
) -> PhaseTable:
    """The table of steps from anywhere: rows are y, columns x (the released tables: learning rate, weight decay).

    runs: ids of the runs, of the same shape. rules: limit, delay and never of `classify`. Raises ValueError as
    `classify`, and for tables that are not len(y) x len(x).
    """
    classes = classify(train_step, test_step, **rules)
    shape = (len(y), len(x))
    ids = np.full(shape, "", dtype=object) if runs is None else np.asarray(runs, dtype=object)
    for name, given in (("train_step and test_step have", classes.shape), ("runs has", ids.shape)):
        if given != shape:
            raise ValueError(f"{name} shape {given}: expected {shape}, one row a value of y, one column a value of x")
    kept = {name: rules[name] for name in ("limit", "never") if name in rules}
    return PhaseTable(
        x=tuple(x),
        y=tuple(y),
        x_name=x_name,
        y_name=y_name,
        classes=classes,
        train_step=reached("train_step", train_step, **kept),
        test_step=reached("test_step", test_step, **kept),
        runs=ids,
        share=np.ones((*shape, 2), dtype=np.int64),
    )


@draws(
    "study",
    says={name: percent(RULES[f"{name}_threshold"]) for name in ("train", "test")}
    | {name: count(round(RULES[name])) for name in ("stable", "gap", "ratio")},
)
def phase_diagram(table: PhaseTable, lang: Lang = "en") -> "Figure":
    """A heat map of the phases, with the two steps and the run on hover; the legend counts the cells."""

    figure = theme.blank(FRAME + CELL * max(len(table.y), 4))
    places = [[CLASSES.index(name) if name else None for name in row] for row in table.classes]
    about = [[_about(table, (i, j), lang) for j in range(len(table.x))] for i in range(len(table.y))]
    edges = [edge / len(CLASSES) for index in range(len(CLASSES)) for edge in (index, index + 1)]
    colours = [colour for colour in COLOURS.values() for _ in range(2)]
    figure.add_heatmap(
        z=places, customdata=about, hovertemplate=HOVER, hoverongaps=False, showscale=False, xgap=1, ygap=1,
        zmin=-0.5, zmax=len(CLASSES) - 0.5, colorscale=[list(stop) for stop in zip(edges, colours, strict=True)],
        text=[[say(f"letter.{name}", lang) if name else "" for name in row] for row in table.classes],
        texttemplate="%{text}",
    )  # fmt: skip
    seen = counts([name for name in table.classes.ravel() if name])
    for name, colour in COLOURS.items():
        figure.add_scatter(
            x=[None], y=[None], mode="markers", marker={"symbol": "square", "size": 12, "color": colour},
            name=f"{say(f'letter.{name}', lang)}: {say(f'learning.{name}', lang)} ({count(seen[name])})",
            hoverinfo="skip",
        )  # fmt: skip
    figure.update_layout(legend={"itemclick": False, "itemdoubleclick": False})
    # Places and not values: cells are of one size whether an axis is linear, logarithmic or of names.
    figure.update_xaxes(**axis(table.x, table.x_name))
    figure.update_yaxes(**axis(table.y, table.y_name))
    return figure


def _about(table: PhaseTable, place: tuple[int, int], lang: Lang) -> list[str]:
    """The hover of a cell: the run's id, its place, its phase with the share of runs in it, two steps, the id again."""
    if not table.classes[place]:
        return [""] * 6
    where = f"{table.y_name} {axis_label(table.y[place[0]])}, {table.x_name} {axis_label(table.x[place[1]])}"
    phase, (n, total) = say(f"learning.{table.classes[place]}", lang), table.share[place]
    if total > 1:
        phase += say("learning.share", lang, n=count(int(n)), total=count(int(total)))
    steps = [
        say(f"learning.{split}", lang, step=count(int(step)))
        if np.isfinite(step)
        else say(f"learning.no_{split}", lang)
        for split, step in (("train", table.train_step[place]), ("test", table.test_step[place]))
    ]
    run = str(table.runs[place])
    return [run, where, phase, *steps, f"<br>{run}" if run else ""]

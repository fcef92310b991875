"""Phase diagrams: comprehension, grokking, memorisation and confusion over two axes. A table -> plotly Figure.

The first entry of a cell's `customdata` is the id of its run ("" for tables from elsewhere), so that a click on the
figure leads to the run: `plotly_click` has it at `event.points[0].customdata[0]`.
Source of the phases: Liu et al. 2022, arXiv:2205.10343, table 1 and figures 5 and 6.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from grokscope.report import theme
from grokscope.report.page import Section
from grokscope.report.words import Lang, count, percent, say
from grokscope.runs.run import Run, phases_of
from grokscope.statistics.phase_classes import CLASSES, PUBLISHED, classify, counts, reached

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Okabe & Ito's colours, and a grey light enough to stand apart from the blue where no colour is seen.
COLOURS = dict(zip(CLASSES, (theme.GREEN, theme.AMBER, theme.BLUE, "#c3c9d3"), strict=True))
CELL, FRAME = 34, 120  # pixels of a row, and of what stands around them
DELAY = 1e3  # steps between the two that make it grokking: Liu et al. 2022, table 1
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
    for name, found in (("train_step and test_step have", classes.shape), ("runs has", ids.shape)):
        if found != shape:
            raise ValueError(f"{name} shape {found}: expected {shape}, one row a value of y, one column a value of x")
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


def from_runs(
    runs: Iterable[Run],
    *,
    x: str = "weight_decay",
    y: str = "learning_rate",
    limit: float | None = None,
    delay: float = DELAY,
    **thresholds: Any,
) -> PhaseTable:
    """The table of a sweep: x, y are fields of the config.

    A cell with several runs (seeds) has the phase that most of them have, of equally frequent ones the worse, and
    stands for the first run in it. thresholds: of `Run.phases`; by default the published ones (first evaluation at
    90 %). Raises ValueError without a run, for a field that a run's config lacks, and for a run never evaluated.
    """
    cells: dict[tuple[Any, Any], list[tuple[str, float, float]]] = {}
    listed = list(runs)
    for run, found in zip(listed, phases_of(listed, **(PUBLISHED | thresholds)), strict=True):
        if found.last_at is None:
            raise ValueError(f"run {run.id} has not been evaluated: it has no phase yet")
        fields = run.config.model_dump()
        for field in (x, y):
            if field not in fields:
                raise ValueError(f"run {run.id} has no field {field!r} in its config")
        train, test = found.memorized_at, found.generalized_at
        steps = (np.inf if train is None else float(train), np.inf if test is None else float(test))
        cells.setdefault((fields[y], fields[x]), []).append((run.id, *steps))
    if not cells:
        raise ValueError("expected at least one run, got none")
    rows, columns = (tuple(sorted({key[axis] for key in cells}, key=axis_order)) for axis in (0, 1))
    shape = (len(rows), len(columns))
    table = PhaseTable(
        x=columns, y=rows, x_name=x, y_name=y, classes=np.full(shape, "", dtype=object),
        train_step=np.full(shape, np.inf), test_step=np.full(shape, np.inf),
        runs=np.full(shape, "", dtype=object), share=np.zeros((*shape, 2), dtype=np.int64),
    )  # fmt: skip
    for (row, column), listed in cells.items():
        place = rows.index(row), columns.index(column)
        classes = classify([run[1] for run in listed], [run[2] for run in listed], limit=limit, delay=delay).tolist()
        tally = counts(classes)
        common = max(CLASSES, key=lambda name, tally=tally: (tally[name], CLASSES.index(name)))
        first = listed[classes.index(common)]
        table.classes[place], table.share[place] = common, (tally[common], len(listed))
        table.runs[place], table.train_step[place], table.test_step[place] = first
    return table


def section(
    table: PhaseTable,
    lang: Lang = "en",
    *,
    id: str = "phases",
    title: str | None = None,
    links: Mapping[str, str] | None = None,
    limit: float = PUBLISHED["test_threshold"],
    delay: float = DELAY,
) -> Section:
    """The diagram of a table with its explanation, as a part of a page.

    links: run id to the address of its report, relative to the page. limit, delay: accuracy and steps that the table
    was classified with, to be said.
    """
    return Section(
        id=id,
        title=say("figure.phase_diagram", lang) if title is None else title,
        figure=phase_diagram(table, lang),
        caption=say("caption.phase_diagram", lang, limit=percent(limit), delay=count(round(delay))),
        links=links or {},
    )


def phase_diagram(table: PhaseTable, lang: Lang = "en") -> "Figure":
    """A heat map of the phases, with the two steps and the run on hover; the legend counts the cells."""
    from plotly.graph_objects import Figure

    figure = Figure()
    places = [[CLASSES.index(name) if name else None for name in row] for row in table.classes]
    about = [[_about(table, (i, j), lang) for j in range(len(table.x))] for i in range(len(table.y))]
    edges = [edge / len(CLASSES) for index in range(len(CLASSES)) for edge in (index, index + 1)]
    colours = [colour for colour in COLOURS.values() for _ in range(2)]
    figure.add_heatmap(
        z=places, customdata=about, hovertemplate=HOVER, hoverongaps=False, showscale=False, xgap=1, ygap=1,
        zmin=-0.5, zmax=len(CLASSES) - 0.5, colorscale=[list(stop) for stop in zip(edges, colours, strict=True)],
    )  # fmt: skip
    seen = counts([name for name in table.classes.ravel() if name])
    for name, colour in COLOURS.items():
        figure.add_scatter(
            x=[None], y=[None], mode="markers", marker={"symbol": "square", "size": 12, "color": colour},
            name=f"{say(f'learning.{name}', lang)} ({count(seen[name])})", hoverinfo="skip",
        )  # fmt: skip
    theme.layout(figure, height=FRAME + CELL * max(len(table.y), 4))
    figure.update_layout(hovermode="closest", legend={"itemclick": False, "itemdoubleclick": False})
    # Places and not values: cells are of one size whether an axis is linear, logarithmic or of names.
    figure.update_xaxes(**axis(table.x, table.x_name))
    figure.update_yaxes(**axis(table.y, table.y_name))
    return figure


def axis(values: Sequence[Any], name: str) -> dict[str, Any]:
    """One place a value, as options of a plotly axis."""
    places = list(range(len(values)))
    return {
        "title": {"text": name}, "tickvals": places, "ticktext": [axis_label(value) for value in values],
        "range": [-0.5, len(values) - 0.5], "showgrid": False,
    }  # fmt: skip


def _about(table: PhaseTable, place: tuple[int, int], lang: Lang) -> list[str]:
    """What a cell says: the run's id, its place, its phase with the share of runs in it, two steps, the id again."""
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


def axis_label(value: Any) -> str:
    """A value of an axis."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def axis_order(value: Any) -> tuple[int, Any]:
    """Numbers by size, then names, then what is not set."""
    return (2, 0) if value is None else (0, value) if isinstance(value, int | float) else (1, str(value))

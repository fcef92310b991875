"""The runs of a sweep as tables over two of its axes: their phases, and their final values."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.heatmap import HeatTable
from grokscope.report.figures.parts.cells import axis_order
from grokscope.report.figures.phase_diagram import DELAY, PhaseTable
from grokscope.runs.run import Run, phases_of
from grokscope.runs.store.series import read_series
from grokscope.statistics.intervals import mean_effect
from grokscope.statistics.phase_classes import CLASSES, PUBLISHED, classify, counts

Place = tuple[Any, Any]


def phases_over(
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
        train, test = found.memorized_at, found.generalized_at
        steps = (np.inf if train is None else float(train), np.inf if test is None else float(test))
        cells.setdefault(_place(run, x, y), []).append((run.id, *steps))
    rows, columns = _axes(cells)
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


def final_values(runs: Sequence[Run], *, x: str, y: str, measure: str = "test_accuracy") -> HeatTable:
    """The last value of a behaviour of each run, over two fields of the config.

    Raises ValueError without a run, for a field that a config lacks, and where no run has the measure.
    """
    series = f"behaviour.{measure}"
    found = read_series(sorted({run.folder for run in runs}), [series])
    if runs and not found:
        raise ValueError(f"no run has {series}: it has not been measured, or its task has none")
    cells: dict[tuple[Any, Any], list[tuple[str, float]]] = {}
    for run in runs:
        lost = any(event["event"] == "non-finite" for event in run.events)
        steps, values = found.get((run.id, series), (np.array([]), np.array([])))
        value = np.nan if lost or not len(steps) else float(values[-1])
        cells.setdefault(_place(run, x, y), []).append((run.id, value))
    rows, columns = _axes(cells)
    shape = (len(rows), len(columns))
    mean, low, high = (np.full(shape, np.nan) for _ in range(3))
    n, left_out = (np.zeros(shape, dtype=np.int64) for _ in range(2))
    ids = np.full(shape, "", dtype=object)
    for (row, column), listed in cells.items():
        place = rows.index(row), columns.index(column)
        values = [value for _, value in listed if np.isfinite(value)]
        n[place], left_out[place], ids[place] = len(values), len(listed) - len(values), listed[0][0]
        if values:
            mean[place], low[place], high[place] = _spread(values)
    return HeatTable(
        measure=measure, x=columns, y=rows, x_name=x, y_name=y,
        mean=mean, low=low, high=high, n=n, left_out=left_out, runs=ids,
    )  # fmt: skip


def _place(run: Run, x: str, y: str) -> Place:
    """The values of two fields of a run's config, y first."""
    fields = run.config.model_dump()
    for field in (x, y):
        if field not in fields:
            raise ValueError(f"run {run.id} has no field {field!r} in its config")
    return _key(fields[y]), _key(fields[x])


def _axes(cells: Iterable[Place]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The values of y and of x, in order."""
    places = list(cells)
    if not places:
        raise ValueError("expected at least one run, got none")
    rows, columns = (tuple(sorted({place[axis] for place in places}, key=axis_order)) for axis in (0, 1))
    return rows, columns


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    effect = mean_effect(values)
    if isinstance(effect.low, Missing) or isinstance(effect.high, Missing):
        return effect.value, min(values), max(values)
    return effect.value, effect.low, effect.high


def _key(value: Any) -> Any:
    return value if isinstance(value, int | float | str | None) else str(value)

"""The runs of a sweep as tables over two of its axes: their phases, and their final values."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.heatmap import HeatTable
from grokscope.report.figures.parts.cells import axis_order
from grokscope.report.figures.phase_diagram import PhaseTable
from grokscope.runs.outcomes import phases_of_curves
from grokscope.runs.run import Run, curves_of
from grokscope.runs.store.series import read_series
from grokscope.runs.store.uncollected import uncollected
from grokscope.statistics.intervals import mean_effect
from grokscope.statistics.many import LEVELS, Stages, stages_of_many
from grokscope.statistics.phase_classes import CLASSES, classify, counts
from grokscope.statistics.unfolding import RULES

Axis = tuple[Any, ...]
Place = tuple[int, int]
T = TypeVar("T")


def phases_over(
    runs: Iterable[Run],
    *,
    x: str = "weight_decay",
    y: str = "learning_rate",
    **rules: Any,
) -> PhaseTable:
    """The table of a sweep: x, y are fields of the config.

    A cell with several runs (seeds) has the phase of most of them, of equally frequent ones the worse; its steps are
    those of the first run in that phase. rules: of `Run.phases` (thresholds, ratio, gap), with its defaults: a run that
    has generalised and not grokked is one of comprehension. Raises ValueError without a run, for a field that a run's
    config lacks, and for a run never evaluated.
    """
    listed = list(runs)
    late = {name: rules.pop(name, RULES[name]) for name in ("ratio", "gap")}
    stages = stages_of(listed, **rules)
    for run, (*_, last_at) in zip(listed, stages, strict=True):
        if last_at is None:
            raise ValueError(f"run {run.id} has not been evaluated: it has no phase yet")
    steps = [tuple(np.inf if step is None else float(step) for step in reached[:2]) for reached in stages]
    rows, columns, cells = _by_cell(listed, steps, x, y)
    shape = (len(rows), len(columns))
    table = PhaseTable(
        x=columns, y=rows, x_name=x, y_name=y, classes=np.full(shape, "", dtype=object),
        train_step=np.full(shape, np.inf), test_step=np.full(shape, np.inf),
        runs=np.full(shape, "", dtype=object), share=np.zeros((*shape, 2), dtype=np.int64),
    )  # fmt: skip
    for place, of_runs in cells.items():
        train, test = zip(*of_runs.values(), strict=True)
        classes = _classes(train, test, **late)
        tally = counts(classes)
        common = max(CLASSES, key=lambda name, tally=tally: (tally[name], CLASSES.index(name)))
        first = classes.index(common)
        table.classes[place], table.share[place] = common, (tally[common], len(of_runs))
        table.runs[place] = list(of_runs)[first]
        table.train_step[place], table.test_step[place] = train[first], test[first]
    return table


def _classes(train: Sequence[float], test: Sequence[float], *, ratio: float, gap: float) -> list[str]:
    """The phase of each run. Grokked is what `transitions.phases` calls so: at least `gap` steps, and `ratio` times, as
    late as memorised."""
    classes: list[str] = classify(train, test, delay=gap).tolist()
    comprehension, grokking, *_ = CLASSES
    return [
        comprehension if found == grokking and not late >= ratio * early else found
        for found, early, late in zip(classes, train, test, strict=True)
    ]


def stages_of(runs: Sequence[Run], **thresholds: Any) -> list[Stages]:
    """memorized_at, generalized_at, last_at of `Run.phases` of very many runs."""
    levels = {name: thresholds[name] for name in LEVELS if name in thresholds}
    answers: list[Stages] = []
    with uncollected():
        curves = curves_of(runs)
        known = stages_of_many(curves, **levels)
    for own, told in zip(curves, known, strict=True):
        if told is not None:
            answers.append(told)
            continue
        phases = phases_of_curves(own, thresholds)
        answers.append((phases.memorized_at, phases.generalized_at, phases.last_at))
    return answers


def final_values(runs: Sequence[Run], *, x: str, y: str, measure: str = "test_accuracy") -> HeatTable:
    """The last values of a behaviour, over two fields of the config.

    Raises ValueError without a run, for a field that a config lacks, and where no run has the measure.
    """
    name = f"behaviour.{measure}"
    series = read_series(sorted({run.folder for run in runs}), [name])
    if runs and not series:
        raise ValueError(f"no run has {name}: it has not been measured, or its task has none")
    lasts = []
    for run in runs:
        lost = any(event["event"] == "non-finite" for event in run.events)
        values = series[run.id, name][1] if (run.id, name) in series else np.array([])
        lasts.append(np.nan if lost or not len(values) else float(values[-1]))
    rows, columns, cells = _by_cell(runs, lasts, x, y)
    shape = (len(rows), len(columns))
    mean, low, high = (np.full(shape, np.nan) for _ in range(3))
    n, left_out = (np.zeros(shape, dtype=np.int64) for _ in range(2))
    ids = np.full(shape, "", dtype=object)
    for place, of_runs in cells.items():
        known = [value for value in of_runs.values() if np.isfinite(value)]
        n[place], left_out[place], ids[place] = len(known), len(of_runs) - len(known), next(iter(of_runs))
        if known:
            mean[place], low[place], high[place] = _spread(known)
    return HeatTable(
        measure=measure, x=columns, y=rows, x_name=x, y_name=y,
        mean=mean, low=low, high=high, n=n, left_out=left_out, runs=ids,
    )  # fmt: skip


def _by_cell(runs: Sequence[Run], values: Iterable[T], x: str, y: str) -> tuple[Axis, Axis, dict[Place, dict[str, T]]]:
    """The values of y and of x, in order; and by place (row, column) the values of the runs there, by run."""
    if not runs:
        raise ValueError("expected at least one run, got none")
    keys = [(_field(run, x), _field(run, y)) for run in runs]
    columns, rows = (tuple(sorted({key[axis] for key in keys}, key=axis_order)) for axis in (0, 1))
    at_row, at_column = ({value: place for place, value in enumerate(values)} for values in (rows, columns))
    cells: dict[Place, dict[str, T]] = {}
    for run, (column, row), value in zip(runs, keys, values, strict=True):
        cells.setdefault((at_row[row], at_column[column]), {})[run.id] = value
    return rows, columns, cells


def _field(run: Run, name: str) -> Any:
    """A field of a run's config as the value of an axis."""
    value = run.field(name)
    return value if isinstance(value, int | float | str | None) else str(value)


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    effect = mean_effect(values)
    if isinstance(effect.low, Missing) or isinstance(effect.high, Missing):
        return effect.value, min(values), max(values)
    return effect.value, effect.low, effect.high

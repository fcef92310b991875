"""The curves in a table: numbers at steps, without blanks, with repeated steps merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.runs.curves.columns import STEP, chosen
from grokscope.runs.curves.tables import Table, read_table
from grokscope.runs.outcomes import CURVES
from grokscope.statistics.series import LARGEST_ACCURACY, NOT_EVALUATED, Curve, align, as_series, as_steps, number
from grokscope.statistics.transitions import Phases, phases


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """The curves of a file. curves: name -> (steps, finite values). columns: name -> its column. file: its name.
    sha256: of its content. remarks: sentences on what was mended; they are part of the id of an imported run."""

    curves: Mapping[str, Curve]
    columns: Mapping[str, str]
    file: str
    sha256: str
    remarks: Sequence[str]

    def phases(self, **thresholds: Any) -> Phases:
        """As `statistics.transitions.phases` of these curves."""
        steps, values = align({name: curve for name, curve in self.curves.items() if name in CURVES})
        return phases(steps, **values, **thresholds)


def read_curves(path: str | Path, columns: Mapping[str, str], *, percent: bool = False) -> Curves:
    """The curves of a file.

    columns: name (train_accuracy, test_loss, ..., step) -> column; the others are found if their names leave no doubt.
    percent: accuracies are in per cent. If a step occurs more than once in a column (the log of a resumed run), the
    last value counts, and a remark says so.

    ValueError for columns that do not exist or hold no numbers, for steps that are not whole, and for accuracies that
    are no shares; GrokscopeError for a file that cannot be read.
    """
    path = Path(path)
    table = read_table(path)
    named = chosen(list(table.columns), columns)
    read = curves_of(table, named, file=path.name, percent=percent)
    if not read.curves:
        raise ValueError(f"{path} has no value in {', '.join(repr(named[name]) for name in named if name != STEP)}")
    return read


def curves_of(table: Table, named: Mapping[str, str], *, file: str, percent: bool = False) -> Curves:
    """The curves of a table; none where it has no values. named: `chosen` columns. Others: as `read_curves`."""
    numbers = {name: _numbers(column, table.columns[column]) for name, column in named.items()}
    steps, remarks = numbers.pop(STEP), list(table.remarks)
    has_some = np.any([~np.isnan(values) for values in numbers.values()], axis=0)
    if (lost := has_some & np.isnan(steps)).any():
        raise ValueError(f"{named[STEP]!r} is empty in row {int(np.flatnonzero(lost)[0]) + 1}: expected a step")
    curves, repeated = {}, set()
    for name, values in numbers.items():
        unit = 100 if percent and name.endswith("accuracy") else 1
        curves[name], twice = merged(steps, values / unit)
        repeated |= twice
    remarks += _leave_out_infinite(curves, percent=percent)
    curves = {name: curve for name, curve in curves.items() if len(curve[0])}
    if repeated:
        come = "step comes" if len(repeated) == 1 else "steps come"
        remarks.append(f"{len(repeated)} {come} more than once (the log of a resumed run): the last value counts")
    read = Curves(curves=curves, columns=named, file=file, sha256=table.sha256, remarks=remarks)
    if not set(curves).isdisjoint(CURVES):
        _refuse_per_cent(read, percent=percent)
    return read


def _numbers(column: str, cells: Sequence[Any]) -> np.ndarray:
    values = []
    for row, cell in enumerate(cells, 1):
        try:
            values.append(number(cell))
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"column {column!r} has {cell!r:.40} in row {row}; {NOT_EVALUATED}") from None
    return as_series(f"column {column!r}", values)


def merged(steps: np.ndarray, values: np.ndarray) -> tuple[Curve, set[float]]:
    """The last value at each step, ascending, and the steps with several values. NaN is no value."""
    known = ~np.isnan(values)
    # In reverse order the first of each step is the last.
    at, places, counts = np.unique(steps[known][::-1], return_index=True, return_counts=True)
    return (as_steps(at), values[known][::-1][places]), set(at[counts > 1].tolist())


def _leave_out_infinite(curves: dict[str, Curve], *, percent: bool) -> list[str]:
    """Leaves out infinite values, which no store holds; returns remarks on these and on odd accuracies."""
    remarks = []
    for name, (steps, values) in list(curves.items()):
        finite = np.isfinite(values)
        if not finite.all():
            remarks.append(f"{int((~finite).sum())} infinite values of {name} were left out")
            curves[name] = steps[finite], values[finite]
    accuracies = [values for name, (_, values) in curves.items() if name.endswith("accuracy") and len(values)]
    if percent and accuracies and max(values.max() for values in accuracies) <= LARGEST_ACCURACY / 100:
        remarks.append("no accuracy is above 1 per cent: they may be shares already")
    return remarks


def _refuse_per_cent(read: Curves, *, percent: bool) -> None:
    """ValueError for accuracies that are no shares."""
    try:
        read.phases()
    except ValueError as error:
        if percent or "per cent" not in str(error):
            raise
        raise ValueError(f"{error}, or read them with --percent") from None

"""The curves in a table: numbers at steps, blanks left out, repeated steps merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.runs.curves.columns import STEP, chosen
from grokscope.runs.curves.tables import read_table
from grokscope.statistics.series import LARGEST_ACCURACY, NOT_EVALUATED, Curve, align, as_series, as_steps, number
from grokscope.statistics.transitions import Phases, phases

BY_PHASES = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """curves: name -> (steps, values), every value finite. columns: name -> column it came from. file: its name.
    sha256: of its content. remarks: plain sentences on what was mended on the way."""

    curves: Mapping[str, Curve]
    columns: Mapping[str, str]
    file: str
    sha256: str
    remarks: Sequence[str]

    def phases(self, **thresholds: Any) -> Phases:
        """As `statistics.transitions.phases` of these curves."""
        steps, values = align({name: curve for name, curve in self.curves.items() if name in BY_PHASES})
        return phases(steps, **values, **thresholds)


def read_curves(path: str | Path, columns: Mapping[str, str], *, percent: bool = False) -> Curves:
    """The curves of a file.

    columns: name (train_accuracy, test_loss, ..., step) -> column; what is not named is found where the column's own
    name leaves no doubt. percent: accuracies are in per cent. Where a step comes more than once in a column (the log of
    a run that was resumed) the last value counts, and a remark says so.

    ValueError for columns that are not there or hold no numbers, for steps that are not whole, and for accuracies that
    are no shares; GrokscopeError for a file that cannot be read.
    """
    path = Path(path)
    table = read_table(path)
    named = chosen(list(table.columns), columns)
    held = {name: _numbers(column, table.columns[column]) for name, column in named.items()}
    steps, remarks = held.pop(STEP), list(table.remarks)
    has_some = np.any([~np.isnan(values) for values in held.values()], axis=0)
    if (lost := has_some & np.isnan(steps)).any():
        raise ValueError(f"{named[STEP]!r} is empty in row {int(np.flatnonzero(lost)[0]) + 1}: expected a step")
    curves, repeated = {}, set()
    for name, values in held.items():
        if percent and name.endswith("accuracy"):
            values = values / 100  # noqa: PLW2901
        curves[name], twice = _merged(steps, values)
        repeated |= twice
    remarks += _beyond(curves, percent=percent)
    curves = {name: curve for name, curve in curves.items() if len(curve[0])}
    if not curves:
        raise ValueError(f"{path} has no value in {', '.join(repr(named[name]) for name in held)}")
    if repeated:
        said = "step comes" if len(repeated) == 1 else "steps come"
        remarks.append(f"{len(repeated)} {said} more than once (the log of a resumed run): the last value counts")
    found = Curves(curves=curves, columns=named, file=path.name, sha256=table.sha256, remarks=remarks)
    if not set(curves).isdisjoint(BY_PHASES):
        _refuse_per_cent(found, percent=percent)
    return found


def _numbers(column: str, cells: Sequence[Any]) -> np.ndarray:
    values = []
    for row, cell in enumerate(cells, 1):
        try:
            values.append(number(cell))
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"column {column!r} has {cell!r:.40} in row {row}; {NOT_EVALUATED}") from None
    return as_series(f"column {column!r}", values)


def _merged(steps: np.ndarray, values: np.ndarray) -> tuple[Curve, set[float]]:
    """The last value at each step, ascending; and the steps that had several. NaN is none."""
    known = ~np.isnan(values)
    # The first of each in reverse is the last; a stable sort would do the same.
    at, places, counts = np.unique(steps[known][::-1], return_index=True, return_counts=True)
    return (as_steps(at), values[known][::-1][places]), set(at[counts > 1].tolist())


def _beyond(curves: dict[str, Curve], *, percent: bool) -> list[str]:
    """Leaves out what is infinite, which no store holds; and says what else is odd."""
    said = []
    for name, (steps, values) in list(curves.items()):
        finite = np.isfinite(values)
        if not finite.all():
            said.append(f"{int((~finite).sum())} infinite values of {name} were left out")
            curves[name] = steps[finite], values[finite]
    accuracies = [values for name, (_, values) in curves.items() if name.endswith("accuracy") and len(values)]
    if percent and accuracies and max(values.max() for values in accuracies) <= LARGEST_ACCURACY / 100:
        said.append("no accuracy is above 1 per cent: they may be shares already")
    return said


def _refuse_per_cent(found: Curves, *, percent: bool) -> None:
    try:
        found.phases()
    except ValueError as error:
        if percent or "per cent" not in str(error):
            raise
        raise ValueError(f"{error}, or read them with --percent") from None

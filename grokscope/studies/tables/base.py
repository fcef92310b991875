"""What a table of a study is: the families it needs, what it reads of their runs, and the rows that it makes of these.

    grokscope judge STUDY --table law          grokscope report STUDY

A table reads as predictions do: of the numbers and the readings in the store, never of a checkpoint.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Answers, Given, Text
from grokscope.predictions.controls import numbers_of, subjects
from grokscope.predictions.readings import Reading
from grokscope.predictions.seeds import paired
from grokscope.predictions.subject import Subject
from grokscope.registry import component, names
from grokscope.runs.run import Run
from grokscope.runs.store.readings import Place, Record
from grokscope.statistics.contrasts import Share
from grokscope.statistics.intervals import Effect

Cell: TypeAlias = str | float | int | Effect | Missing | Any
Row: TypeAlias = Mapping[str, Cell]


@dataclass(frozen=True, kw_only=True)
class Table:
    """needs: families, of which some must have runs. readings: what it reads of each run. make: rows of these arms,
    each from column to cell; all have the same columns. An effect stands with its interval and number of seeds."""

    id: str
    title: Text
    needs: tuple[str, ...]
    readings: tuple[Reading, ...]
    make: Callable[[Given], Sequence[Row] | Missing]

    def rows(self, arms: Arms[Run], records: Mapping[Place, Record] | None = None) -> Sequence[Row] | Missing:
        """The rows of trained arms; `Missing` where no family that it needs has a run."""
        if not any(arms.along(family) for family in self.needs):
            return Missing(f"no run of {' or '.join(self.needs)}; grokscope study NAME --arms {','.join(self.needs)}")
        readings = frozenset(self.readings)
        looked_at: Arms[Subject] = subjects(arms, records, numbers_of(self.readings))
        return self.make(looked_at.having(lambda arm: [Answers(one, readings) for one in arm]))

    def looks_at(self, arm: Arm[Any]) -> bool:
        """Whether it reads the runs of an arm."""
        return bool({arm.family, *(family for family, _ in arm.also)} & set(self.needs))


def tables() -> dict[str, Table]:
    """Every table by id."""
    return {name: component("studies.tables", name) for name in names("studies.tables")}


def matrix(
    arms: Mapping[Any, Arm[Answers]], reading: Reading, lacking: float = np.nan
) -> tuple[Float[np.ndarray, "value seed"], tuple[str, ...]]:
    """A reading of the seeds that have a run at every value, by value and seed; and what the others lack. lacking:
    stands for no answer."""
    groups = paired(arms)
    whole = [group for group in groups.values() if not isinstance(group, Missing)]
    absent = tuple(group.reason for group in groups.values() if isinstance(group, Missing))
    values = [[lacking if isinstance(value := one[reading], Missing) else value for one in group] for group in whole]
    return np.array(values, dtype=np.float64).reshape(len(whole), len(arms)).T, absent


def present(arms: Given, families: Iterable[str]) -> dict[str, dict[Any, Arm[Answers]]]:
    """The families that have runs, each with its arms by value."""
    return {family: along for family in families if (along := arms.along(family))}


def plain(cell: Cell) -> Any:
    """A cell in JSON's own types: an effect with its interval; null, with the reason, where there is no answer."""
    if isinstance(cell, Missing):
        return {"value": None, "missing": cell.reason}
    if isinstance(cell, Effect):
        ends = {name: None if isinstance(end := getattr(cell, name), Missing) else end for name in ("low", "high")}
        return {"value": cell.value, **ends, "n": cell.n}
    if isinstance(cell, Share):
        return {"value": cell.value, "low": cell.low, "high": cell.high, "n": cell.n}
    return cell


def shown(cell: Cell) -> str:
    """A cell as people read it: value [low, high] (n = seeds)."""
    if isinstance(cell, Missing):
        return f"none ({cell.reason})"
    about = plain(cell)
    if isinstance(about, dict):
        interval = "" if about["low"] is None else f" [{about['low']:.3g}, {about['high']:.3g}]"
        return f"{about['value']:.3g}{interval} (n = {about['n']})"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)

"""A table of a study: the families it needs, what it reads of their runs, its rows, and the figure that belongs to it.

    grokscope judge STUDY --table law          grokscope report STUDY

Like a prediction, a table reads numbers and readings from the store, never a checkpoint.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing, of_all
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Answers, Given, Text
from grokscope.predictions.controls import numbers_of, subjects
from grokscope.predictions.readings import Number, Reading, answered
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
    each from column to cell; all have the same columns. An effect stands with its interval and number of seeds.
    figure: id of the figure of a study that a page draws below the table. drawn: what that figure draws, by name; one
    figure each."""

    id: str
    title: Text
    needs: tuple[str, ...]
    readings: tuple[Reading, ...]
    make: Callable[[Given], Sequence[Row] | Missing]
    figure: str = ""
    drawn: Callable[[Given], Mapping[str, Any]] = lambda _: {}

    def given(self, arms: Arms[Run], records: Mapping[Place, Record] | None = None) -> Given | Missing:
        """Trained arms with what it reads of their runs; `Missing` where no family that it needs has a run."""
        if not any(arms.along(family) for family in self.needs):
            return Missing(f"no run of {' or '.join(self.needs)}; grokscope study NAME --arms {','.join(self.needs)}")
        readings = frozenset(self.readings)
        looked_at: Arms[Subject] = subjects(arms, records, numbers_of(self.readings))
        return looked_at.having(lambda arm: [Answers(subject, readings) for subject in arm])

    def rows(self, arms: Arms[Run], records: Mapping[Place, Record] | None = None) -> Sequence[Row] | Missing:
        """The rows of trained arms, from `given`."""
        return of_all(self.make, self.given(arms, records))

    def looks_at(self, arm: Arm[Any]) -> bool:
        """Whether it reads the runs of an arm."""
        return bool(arm.families & set(self.needs))


@dataclass(frozen=True, kw_only=True, eq=False)
class Along:
    """A number of the seeds of several arms that differ in one value; the figure `along` draws it.

    axis: what the value is. quantity: what the number is, with its unit. values: ascending. samples: by value, the
    numbers of the seeds that have one. lacking: by value, how many seeds have none.
    """

    axis: str
    quantity: Text
    values: Sequence[float]
    samples: Sequence[Sequence[float]]
    lacking: Sequence[int]


def along(
    arms: Mapping[float, Sequence[Answers]], of: Callable[[Answers], Number], *, axis: str, quantity: Text
) -> Along:
    """A number of each run along a family."""
    samples = [answered(map(of, arm)) for arm in arms.values()]
    lacking = [len(arm) - len(sample) for arm, sample in zip(arms.values(), samples, strict=True)]
    return Along(axis=axis, quantity=quantity, values=list(arms), samples=samples, lacking=lacking)


def tables() -> dict[str, Table]:
    """Every table by id."""
    return {name: component("studies.tables", name) for name in names("studies.tables")}


def matrix(
    arms: Mapping[Any, Arm[Answers]], reading: Reading, lacking: float = np.nan
) -> tuple[Float[np.ndarray, "value seed"], tuple[str, ...]]:
    """A reading of the seeds that have a run at every value, by value and seed; and the reasons of the other seeds.
    lacking: stands for no answer."""
    seeds = paired(arms).values()
    whole = [runs for runs in seeds if not isinstance(runs, Missing)]
    absent = tuple(runs.reason for runs in seeds if isinstance(runs, Missing))
    values = [[lacking if isinstance(value := run[reading], Missing) else value for run in runs] for runs in whole]
    return np.array(values, dtype=np.float64).reshape(len(whole), len(arms)).T, absent


def present(arms: Given, families: Iterable[str]) -> dict[str, dict[Any, Arm[Answers]]]:
    """The families that have runs, each with its arms by value."""
    return {family: along for family in families if (along := arms.along(family))}


def plain(cell: Cell) -> Any:
    """A cell in JSON's own types: an effect with its interval; null, with the reason, where there is no answer."""
    if isinstance(cell, Missing):
        return {"value": None, "missing": cell.reason}
    if isinstance(cell, Effect | Share):
        low, high = (None if isinstance(end, Missing) else end for end in (cell.low, cell.high))
        return {"value": cell.value, "low": low, "high": high, "n": cell.n}
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

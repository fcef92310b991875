"""The results of a race, a row a run: everything that is judged follows from them alone, without the runs."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError
from grokscope.runs.run import Run, curves_of
from grokscope.runs.store.atomic import write_atomic
from grokscope.runs.store.events import NON_FINITE
from grokscope.statistics.held import first
from grokscope.statistics.sustained import FEWEST, Arrival, arrival
from grokscope.studies.race.base import written
from grokscope.studies.race.entries import Entry

MEMORISED = 0.99
_NUMBERS = {"seed": int, "budget": int, "every": int, "diverged": int, "t_mem": int, "first": int, "t_gen": int}
_NUMBERS |= {"below": float, "lowest": float, "collapse": int, "stay": int, "final": float}


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run. cell: its changes as JSON. budget: steps. every: distance of evaluations [steps]. diverged: the step at
    which its loss was not finite. t_mem: memorised. first ... final: as in `statistics.sustained.Arrival`."""

    setting: str
    part: str
    method: str
    goal: str
    control: str
    cell: str
    seed: int
    budget: int
    every: int
    diverged: int | None
    t_mem: int | None
    first: int | None
    t_gen: int | None
    below: float | None
    lowest: float | None
    collapse: int | None
    stay: int | None
    final: float | None
    run: str

    @property
    def key(self) -> tuple[str, ...]:
        """Which run of a race it is, whatever came out."""
        return (self.setting, self.part, self.control, self.method, self.goal, self.cell, f"{self.seed:09}")

    @property
    def arm(self) -> str:
        """What the arm is called: the method, and its goal if that is not the first."""
        return self.method if self.goal != "steady" else f"{self.method}, steady"

    @property
    def changes(self) -> dict[str, Any]:
        return json.loads(self.cell)

    @property
    def time(self) -> int:
        """When it arrived, or its budget."""
        return self.budget if self.t_gen is None else self.t_gen


def results(entries: Sequence[Entry], runs: Iterable[Run]) -> list[Result]:
    """The results of these entries; those whose run is not trained yet are left out."""
    by_key = {run.config.key: run for run in runs}
    there = [(entry, by_key[entry.config.key]) for entry in entries if entry.config.key in by_key]
    each = [run for _, run in there]
    found = []
    for (entry, run), fresh, test in zip(there, curves_of(each, "fresh"), curves_of(each), strict=True):
        some = entry.split == "fresh" and len(fresh["test_accuracy"][0])
        steps, accuracy = fresh["test_accuracy"] if some else test["test_accuracy"]
        reached = arrival(steps, accuracy, stays=entry.stays)
        diverged = min((event["step"] for event in run.events if event["event"] == NON_FINITE), default=None)
        if diverged is not None:
            reached = dataclasses.replace(reached, final=None)
        train = test["train_accuracy"]
        found.append(_result(entry, run, reached, t_mem=first(train, FEWEST, MEMORISED), diverged=diverged))
    return found


def _result(entry: Entry, run: Run, reached: Arrival, *, t_mem: int | None, diverged: int | None) -> Result:
    config = entry.config
    return Result(
        setting=entry.setting,
        part=entry.part,
        method=entry.method,
        goal=entry.goal,
        control=entry.control,
        cell=written(entry.cell),
        seed=entry.seed,
        budget=config.max_steps,
        every=config.evaluate_every,
        diverged=diverged,
        t_mem=t_mem,
        run=run.id,
        **vars(reached),
    )


def merged(files: Iterable[Sequence[Result]]) -> list[Result]:
    """The results of several files, each run once. GrokscopeError where two disagree about one run."""
    found: dict[tuple[str, ...], Result] = {}
    for row in (row for rows in files for row in rows):
        before = found.setdefault(row.key, row)
        if before != row:
            raise GrokscopeError(f"two results of {row.setting} disagree: {row.arm} {row.control}, seed {row.seed}")
    return list(found.values())


def keep(rows: Sequence[Result], path: Path) -> None:
    """Adds results to a file; what is there already of the same runs is replaced."""
    there = read_results(path) if path.exists() else []
    write_results([*there, *rows], path)


def write_results(rows: Sequence[Result], path: Path) -> None:
    """Writes them as a table of comma-separated values, sorted, so that the same race is the same file."""
    text = io.StringIO()
    names = [field.name for field in dataclasses.fields(Result)]
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    keyed = {row.key: row for row in rows}
    for key in sorted(keyed):
        row = dataclasses.asdict(keyed[key])
        table.writerow({name: "" if value is None else _short(value) for name, value in row.items()})
    write_atomic(path, text.getvalue().encode())


def _short(value: Any) -> Any:
    return f"{value:.5g}" if isinstance(value, float) else value


def read_results(path: Path) -> list[Result]:
    """The results in a file. GrokscopeError for a file that is none."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            table = csv.DictReader(lines)
            if set(table.fieldnames or ()) != {field.name for field in dataclasses.fields(Result)}:
                raise ValueError("its columns are other ones")
            return [_read(row) for row in table]
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        raise GrokscopeError(f"{path} holds no results of a race: {error}") from error


def _read(row: dict[str, str]) -> Result:
    json.loads(row["cell"])
    typed: dict[str, Any] = {name: (kind(row[name]) if row[name] else None) for name, kind in _NUMBERS.items()}
    fields: dict[str, Any] = {**row, **typed}
    return Result(**fields)

"""The runs of a store as `grokscope list` shows them, without torch: a hundred thousand finished ones in a second.

The status of a finished pack has the phases and last values of its runs; the catalogue has a copy (`store.finished`).
The numbers are read if the status does not have them (a run that goes on, was killed, or has lost its status) or does
not fit its checksum.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from heapq import merge
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.outcomes import FINAL, PHASES, current_status, outcomes, summary
from grokscope.runs.store.catalogue import OnDamage, written
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.finished import Catalogued, current
from grokscope.runs.store.merged import quoted
from grokscope.runs.store.query import query
from grokscope.runs.store.segments import engine
from grokscope.runs.store.status import read_status
from grokscope.runs.store.tables import LISTED, RUNS, SECONDS, fetched
from grokscope.runs.store.uncollected import uncollected

_FROM = {name: ("summary", name) for name in PHASES} | {name: ("summary", name.replace("/", "_")) for name in FINAL}
_FROM |= {name: (LISTED, name) for name in ("notes", "imported", "written", *SECONDS)}
_FROM |= {name: ("fixed", name) for name in ("run", "step", "replica")}


def summaries(store: Path, *, on_damage: OnDamage = lambda _: None) -> Iterator[dict[str, Any]]:
    """`Run.summary` of every run, oldest first. A pack that cannot be read is left out, and reported to on_damage."""
    store = Path(store)
    found = current(store, RUNS)
    with uncollected():
        times, known = _catalogued(store, found)
    if not found.others:
        return iter(known)
    written_at = sorted((written(folder), folder) for folder in found.others)
    others = ((at, one) for at, folder in written_at for one in _told(folder, on_damage))
    return (one for _, one in merge(zip(times, known, strict=True), others, key=lambda pair: pair[0]))


def chosen(
    store: Path, *, where: str = "", sort: Sequence[str] = (), columns: Sequence[str] = ()
) -> dict[str, tuple[Any, ...]]:
    """Run -> the values of these columns of the table `runs`, of the runs that an SQL condition holds for, in order of
    some columns ("-" before one: descending). ValueError for SQL that is wrong."""
    keys = [quoted(key.removeprefix("-")) + " DESC" * key.startswith("-") for key in sort]
    sql = f"SELECT {', '.join(['run', *map(quoted, columns)])} FROM runs"
    sql += f" WHERE ({where})" * bool(where) + f" ORDER BY {', '.join(keys)}" * bool(keys)
    return {run: tuple(values) for run, *values in query(store, sql, on_damage=lambda _: None)[1]}


def differing(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Field -> run -> value, of the fields of the config in which these runs, as `summaries` has them, differ."""
    wanted = {run["run"] for run in runs}
    configs: dict[str, Mapping[str, Any]] = {}
    for folder in dict.fromkeys(run["dir"] for run in runs):
        with suppress(StoreError):
            told = read_pack(Path(folder))["runs"]
            configs |= {run["run"]: run["config"] or {} for run in told if run["run"] in wanted}
    return differing_fields(configs)


def differing_fields(configs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same for configs by run."""
    fields = dict.fromkeys(field for config in configs.values() for field in config)
    by_field = {field: {run: config.get(field) for run, config in configs.items()} for field in fields}
    return {field: values for field, values in by_field.items() if len({repr(value) for value in values.values()}) > 1}


def _catalogued(store: Path, found: Catalogued) -> tuple[list[int], list[dict[str, Any]]]:
    """When its pack was written, and the summary, of each run of the catalogue, oldest first."""
    cursor = engine()
    if (relation := found.relation(cursor)) is None:
        return [], []
    columns = fetched(cursor, relation, {"pack": ("", "pack"), **_FROM}, '"listed:written", pack, "fixed:replica"')
    root = str(store / "_")[:-1]
    notes = {text: json.loads(text) for text in set(columns["notes"])}
    finals = zip(*(columns[name] for name in FINAL), strict=True)
    stages = zip(*(columns[name] for name in PHASES[:-1]), strict=True)
    names = ("run", "pack", "notes", "imported", "step", *SECONDS)
    rows = zip(*(columns[name] for name in names), stages, finals, strict=True)
    return columns["written"], [
        {
            "run": run, "dir": root + pack, "state": "done",
            **dict(zip(PHASES, (*of_run, [*notes[said]]), strict=True)),
            "imported": imported, "steps": steps, "steps_per_second": steps / trained if trained else None,
            "measure_seconds": measured, "train_seconds": trained, "final": dict(zip(FINAL, final, strict=True)),
        }
        for run, pack, said, imported, steps, measured, trained, of_run, final in rows
    ]  # fmt: skip


def _told(folder: Path, on_damage: OnDamage) -> list[dict[str, Any]]:
    try:
        return of_pack(folder)
    except StoreError as error:
        on_damage(error)
        return []


def of_pack(folder: Path) -> list[dict[str, Any]]:
    """`Run.summary` of every run of a pack, in order. StoreError for a pack that cannot be read."""
    end, about = finished_at(folder), read_pack(folder)
    status = current_status(folder, end)

    def listed(by_run: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        ids = [run["run"] for run in about["runs"]]
        return [summary(folder, about, run, status, by_run[run]) for run in ids]

    if end is not None and read_status(folder).get("state") == "done":
        with suppress(KeyError):  # the status does not have everything
            return listed(status.get("runs", {}))
    return listed(outcomes(folder, about["runs"]))

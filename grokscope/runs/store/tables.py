"""The tables that are asked: runs, metrics and events, of the catalogue and of the packs that it does not have."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.errors import StoreError
from grokscope.runs.identity import config_hash
from grokscope.runs.outcomes import FINAL, PHASES
from grokscope.runs.store import merged
from grokscope.runs.store.catalogue import FIXED, SCALARS, OnDamage, Source, column_names, records, records_of, written
from grokscope.runs.store.checksum import require
from grokscope.runs.store.documents import LARGEST, read_pack
from grokscope.runs.store.events import finished_at, read_events
from grokscope.runs.store.finished import Table, current
from grokscope.runs.store.numbers import METRICS, NUMBERS, segments
from grokscope.runs.store.segments import at_one_instant, damage_as_store_error, engine, segment_path
from grokscope.runs.store.status import read_status

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EVENTS = {"run": "VARCHAR", "step": "BIGINT", "event": "VARCHAR", "pack": "VARCHAR", "detail": "VARCHAR"}
_PACK: Source = ("", "pack")
LISTED = "listed"  # the source of what is kept of a run beside the columns of the table `runs`
_CHUNK = 4096  # descriptions read at a time
SECONDS = ("measure_seconds", "train_seconds")


def fill_runs(connection: "DuckDBPyConnection", store: Path, on_damage: OnDamage) -> None:
    """Makes the table `runs`."""
    found = current(store, RUNS)
    rows: list[dict[Source, Any]] = []
    for folder in found.others:
        try:
            rows += [{_PACK: folder.name} | record for record in records(folder)]
        except StoreError as error:
            on_damage(error)
    merged.table(connection, "fresh", _columns(rows))
    union = merged.merged(connection, found.relation(connection), "fresh")
    cells = {_source(name): value for name, value in merged.plain(connection, union).items()}
    fixed: dict[Source, None] = dict.fromkeys(("fixed", name) for name in FIXED)
    cells["fixed", "dir"] = f"{merged.literal(str(store / '_')[:-1])} || pack"
    selected = []
    for source, name in column_names([*fixed, *(one for one in cells if one[0] in ("config", "summary"))]).items():
        value = f"CAST({cells[source]} AS {FIXED[source[1]]})" if source in fixed else cells[source]
        selected.append(f"{value} AS {merged.quoted(name)}")
    order = "ORDER BY dir, replica" if rows else ""  # the catalogue is in order
    connection.execute("SET preserve_insertion_order = true")
    connection.execute(f"CREATE TABLE runs AS SELECT {', '.join(selected)} FROM {union} {order}")
    connection.execute("SET preserve_insertion_order = false")


def fill_metrics(connection: "DuckDBPyConnection", store: Path, on_damage: OnDamage) -> None:
    """Makes the table `metrics`."""
    found = current(store, NUMBERS)
    live: dict[str, list[Any]] = {name: [] for name in (*METRICS, "pack")}
    sealed: list[list[Path]] = []
    for folder in found.others:
        try:
            numbers, rows = at_one_instant(folder)
            paths = [segment_path(folder, number).absolute() for number in numbers]
            for path in paths:
                require(path, "truncated or damaged segment in")
        except StoreError as error:
            on_damage(error)
            continue
        sealed.append(paths)
        for name in METRICS:
            live[name] += [row[name] for row in rows]
        live["pack"] += [folder.name] * len(rows)
    filled(connection, "metrics", {**METRICS, "pack": "VARCHAR"}, live)
    if (relation := found.relation(connection)) is not None:
        connection.execute(f"INSERT INTO metrics SELECT {', '.join(METRICS)}, pack FROM {relation}")
    try:
        _insert(connection, [path for paths in sealed for path in paths])
    except StoreError:  # a segment without a checksum is damaged: which?
        for paths in sealed:
            try:
                _insert(connection, paths)
            except StoreError as error:
                on_damage(error)


def fill_events(connection: "DuckDBPyConnection", store: Path, on_damage: OnDamage) -> None:
    """Makes the table `events`."""
    found = current(store, HAPPENED)
    columns: dict[str, list[Any]] = {name: [] for name in EVENTS}
    for folder in found.others:
        try:
            _add_events(columns, folder)
        except StoreError as error:
            on_damage(error)
    filled(connection, "events", EVENTS, columns)
    if (relation := found.relation(connection)) is not None:
        connection.execute(f"INSERT INTO events SELECT {', '.join(EVENTS)} FROM {relation} ORDER BY pack, place")


def descriptions(store: Path) -> Iterator[tuple[Path, dict[str, Any] | None]]:
    """The pack folders of a store, oldest first, with their pack.json where the catalogue has it."""
    found = current(store, RUNS)
    cursor = engine()
    rows: Iterator[tuple[int, str, str | None]] = iter(())
    if (relation := found.relation(cursor)) is not None:
        about = '"listed:written" AS written, pack, "listed:about" AS about'
        cursor.execute(f"SELECT {about} FROM {relation} WHERE about NOT NULL ORDER BY written, pack")
        rows = (row for chunk in iter(lambda: cursor.fetchmany(_CHUNK), []) for row in chunk)
    others = sorted((written(folder), folder.name, None) for folder in found.others)
    with closing(cursor):
        for _, pack, text in merge(rows, others, key=lambda row: row[:2]):
            yield store / pack, None if text is None else json.loads(text)


def fetched(
    connection: "DuckDBPyConnection", relation: str, sources: Mapping[str, Source], order: str
) -> dict[str, list[Any]]:
    """Columns of the catalogue's runs as Python's scalars, under other names; a column that it lacks is all None."""
    known = {_source(name): kind for name, kind in merged.columns_of(connection, relation).items()}
    mixed = {name: not known.get(source, "?") for name, source in sources.items()}

    def column(name: str, source: Source) -> str:
        stored = merged.quoted(_column(source) + merged.MIXED * mixed[name]) if source in known else "NULL"
        return f"{stored} AS {merged.quoted(name)}"

    selected = ", ".join(column(name, source) for name, source in sources.items())
    rows = connection.execute(f"SELECT {selected} FROM {relation} ORDER BY {order}").fetchall()
    cells = zip(*rows, strict=True) if rows else ((),) * len(sources)
    return {
        name: [cell if cell is None or not mixed[name] else json.loads(cell) for cell in column]
        for name, column in zip(sources, cells, strict=True)
    }


def filled(
    connection: "DuckDBPyConnection", table: str, types: Mapping[str, str], columns: Mapping[str, Sequence[Any]]
) -> None:
    """Makes a table of columns of Python objects. Each cell is cast here: DuckDB guesses a type from the first one."""
    import numpy as np

    python = {sql: cast for cast, sql in merged.KINDS.items()}
    connection.execute(f"CREATE OR REPLACE TABLE {table} ({', '.join(f'{name} {types[name]}' for name in types)})")
    arrays = {
        name: np.array([None if cell is None else python[kind](cell) for cell in columns[name]], dtype=object)
        for name, kind in types.items()
    }
    connection.register("incoming", arrays)
    connection.execute(f"INSERT INTO {table} SELECT * FROM incoming")
    connection.unregister("incoming")


def _insert(connection: "DuckDBPyConnection", paths: Sequence[Path]) -> None:
    if not paths:
        return
    place = paths[0].parent if len({path.parent for path in paths}) == 1 else paths[0].parents[2]
    with damage_as_store_error(place):
        connection.execute(f"INSERT INTO metrics FROM {segments(paths)}")


def _add_events(columns: dict[str, list[Any]], folder: Path) -> int:
    events = read_events(folder)
    for event in events:
        detail = dict(event)
        first = [detail.pop(name) for name in ("run", "step", "event")]
        for name, value in zip(EVENTS, (*first, folder.name, json.dumps(detail)), strict=True):
            columns[name].append(value)
    return len(events)


def _gather_runs(connection: "DuckDBPyConnection", folders: Sequence[Path]) -> list[str]:
    rows: list[dict[Source, Any]] = []
    vouched = []
    for folder in folders:
        with suppress(StoreError, KeyError):  # what is not whole, or not finished, is read each time
            rows += list(_kept(folder))
            vouched.append(folder.name)
    merged.table(connection, "fresh", _columns(rows))
    return vouched


def _kept(folder: Path) -> Iterator[dict[Source, Any]]:
    """The rows of a finished pack whose status, with an intact checksum, has everything. KeyError for any other."""
    end, about, status = finished_at(folder), read_pack(folder), read_status(folder)
    if end is None or status.get("state") != "done" or status.get("step") != end:
        raise KeyError("it is not finished")
    outcomes = status["runs"]
    for record, run in zip(records_of(folder, about, status), about["runs"], strict=True):
        outcome = outcomes[run["run"]]
        notes, config = outcome["notes"], run["config"]
        needed = [outcome[name] for name in (*PHASES, *(name.replace("/", "_") for name in FINAL)) if name != "notes"]
        values = [*needed, *record.values()]
        if not all(map(_is_plain, values)) or not isinstance(notes, list):
            raise KeyError("a value has no place in a table")
        yield {_PACK: folder.name} | record | {
            (LISTED, "notes"): json.dumps(notes),
            (LISTED, "imported"): about.get("imported", {}).get("file"),
            (LISTED, "written"): written(folder),
            (LISTED, "key"): None if config is None else config_hash(config),
            (LISTED, "about"): None if record["fixed", "replica"] else json.dumps(about),
            **{(LISTED, name): None if status.get(name) is None else float(status[name]) for name in SECONDS},
        }  # fmt: skip


def _is_plain(cell: Any) -> bool:
    if type(cell) is int:
        return -LARGEST <= cell < LARGEST
    return cell is None or (isinstance(cell, SCALARS) and (type(cell) is not float or math.isfinite(cell)))


def _gather_events(connection: "DuckDBPyConnection", folders: Sequence[Path]) -> list[str]:
    columns: dict[str, list[Any]] = {name: [] for name in EVENTS}
    places, vouched = list[int](), []
    for folder in folders:
        with suppress(StoreError):
            if finished_at(folder) is not None:
                places += range(_add_events(columns, folder))
                vouched.append(folder.name)
    merged.table(connection, "fresh", {"pack": columns.pop("pack"), **columns, "place": places})
    return vouched


def _columns(rows: Sequence[Mapping[Source, Any]]) -> dict[str, list[Any]]:
    sources: dict[Source, None] = {_PACK: None} | dict.fromkeys(("fixed", name) for name in FIXED)
    sources |= dict.fromkeys(source for row in rows for source in row)
    sources.pop(("fixed", "dir"))
    return {_column(source): [row.get(source) for row in rows] for source in sources}


def _column(source: Source) -> str:
    """The name of a column; SQL ignores case, fields do not."""
    if source == _PACK:
        return "pack"
    coded = {"^": "^^", merged.MIXED: "^3"}
    return f"{source[0]}:" + "".join(
        coded.get(c) or (f"^{c.lower()}" if c != c.lower() and c.lower().upper() == c else c) for c in source[1]
    )


def _source(column: str) -> Source:
    """The inverse of `_column`."""
    if column == "pack":
        return _PACK
    source, _, coded = column.partition(":")
    letters = iter(coded)
    return source, "".join(
        {"^": "^", "3": merged.MIXED}.get(after := next(letters), after.upper()) if c == "^" else c for c in letters
    )


RUNS = Table(name="runs", gather=_gather_runs, order='pack, "fixed:replica"')
HAPPENED = Table(name="events", gather=_gather_events, order="pack, place", files=("events.jsonl",))
TABLES = (RUNS, NUMBERS, HAPPENED)

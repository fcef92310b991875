"""SQL over all packs of a store.

    runs     run, pack, replica, dir, state, step, and every scalar of the configs and summaries
    metrics  run, step, measure, view, value, pack
    events   run, step, event, pack, detail (the other fields as JSON: detail->>'name')

The rows are copied into memory, and DuckDB's access to files is locked before it sees the SQL. A look at the statement
is no guard: DuckDB 2 writes files from a SELECT (WITH x AS (COPY ...)), and may write every directory that it may read.
A table that the SQL does not name is left empty, so a query on `runs` reads no metrics. A copy takes about 80 bytes of
memory a row and 0.5 s a million rows.

The query runs in a thread beside the one that asks (`limits.py`), so time, memory and Ctrl-C end it from outside.
"""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from glob import escape
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.errors import StoreError
from grokscope.runs.store.catalogue import OnDamage, packs, refuse, runs_table
from grokscope.runs.store.checksum import require
from grokscope.runs.store.events import read_events
from grokscope.runs.store.limits import MAX_ROWS, MEMORY, TIMEOUT, Cells, Limits, limited
from grokscope.runs.store.segments import at_one_instant, damage_as_store_error, first_line, segment_path

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_METRICS = {"run": "VARCHAR", "step": "BIGINT", "measure": "VARCHAR", "view": "VARCHAR", "value": "DOUBLE"}
_EVENTS = {"run": "VARCHAR", "step": "BIGINT", "event": "VARCHAR", "pack": "VARCHAR", "detail": "VARCHAR"}
_PYTHON = {"VARCHAR": str, "BIGINT": int, "DOUBLE": float, "BOOLEAN": bool}
_PACK_OF_FILE = "split_part(parse_dirpath(filename), '/', -2)"  # .../<pack>/metrics/seg-000001.parquet
# Rows fetched at a time: four vectors of DuckDB.
_CHUNK = 8192


def query(store: Path, sql: str, *, on_damage: OnDamage = refuse, **limits: Any) -> tuple[list[str], list[Cells]]:
    """The column names and all rows of `asked`, which has the same options and errors."""
    with asked(store, sql, on_damage=on_damage, **limits) as (columns, rows):
        return columns, list(rows)


@contextmanager
def asked(
    store: Path,
    sql: str,
    *,
    timeout: float = TIMEOUT,
    max_rows: int = MAX_ROWS,
    memory: str = MEMORY,
    on_damage: OnDamage = refuse,
) -> Iterator[tuple[list[str], Iterator[Cells]]]:
    """Read-only SQL over the store: the column names, and the rows as DuckDB finds them.

    timeout: [s]. max_rows: of the answer. memory: for the tables and the work on them, such as "500MB" or "4GB".
    on_damage: is called with the reason for each pack that cannot be read and is left out of a table; by default that
    is an error. ValueError for wrong SQL; GrokscopeError, with the name of the limit, if one is reached.
    """
    limits = Limits(timeout=timeout, max_rows=max_rows, memory=memory)
    with limited(lambda: _answers(Path(store), sql, limits, on_damage), limits) as answer:
        columns = next(answer)
        yield columns, chain.from_iterable(answer)


def _answers(store: Path, sql: str, limits: Limits, on_damage: OnDamage) -> Generator[Any, None, None]:
    """The connection, then the column names, then the rows in chunks."""
    import duckdb

    folders = packs(store)
    # never spills to a file; copying without regard to order is twice as fast
    config: dict[str, Any] = {"temp_directory": "", "preserve_insertion_order": False, "memory_limit": limits.memory}
    with duckdb.connect(config=config) as connection:
        yield connection
        try:
            named = {table: folders if table in sql.lower() else [] for table in ("runs", "metrics", "events")}
            _fill(connection, "runs", *runs_table(named["runs"], on_damage))
            _fill_metrics(connection, named["metrics"], on_damage)
            _fill(connection, "events", _EVENTS, _event_columns(named["events"], on_damage))
            connection.execute("SET preserve_insertion_order = true")
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            if not connection.extract_statements(sql):
                raise ValueError("the SQL holds no statement: try SELECT * FROM runs")
            result = connection.execute(sql)
            yield [column[0] for column in result.description or []]
            while rows := result.fetchmany(_CHUNK):
                yield rows
        except duckdb.OutOfMemoryException as error:
            raise limits.reached("memory") from error
        except duckdb.Error as error:
            raise ValueError(first_line(error)) from error


def _fill(connection: "DuckDBPyConnection", table: str, types: dict[str, str], columns: dict[str, list[Any]]) -> None:
    """Make a table of columns of Python objects. Each cell is cast here: DuckDB guesses a type from the first one."""
    import numpy as np

    fields = ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}" {kind}' for name, kind in types.items())
    connection.execute(f"CREATE TABLE {table} ({fields})")
    arrays = {}
    for number, (name, kind) in enumerate(types.items()):  # columns by number: a field's name may be anything
        cast = _PYTHON[kind]
        arrays[f"c{number}"] = np.array([None if cell is None else cast(cell) for cell in columns[name]], dtype=object)
    connection.register("incoming", arrays)
    connection.execute(f"INSERT INTO {table} SELECT * FROM incoming")
    connection.unregister("incoming")


def _fill_metrics(connection: "DuckDBPyConnection", folders: list[Path], on_damage: OnDamage) -> None:
    live: dict[str, list[Any]] = {name: [] for name in (*_METRICS, "pack")}
    sealed: list[list[Path]] = []
    for folder in folders:
        try:
            numbers, rows = at_one_instant(folder)
            paths = [segment_path(folder, number).absolute() for number in numbers]
            for path in paths:
                require(path, "truncated or damaged segment in")
        except StoreError as error:
            on_damage(error)
            continue
        sealed.append(paths)
        for name in _METRICS:
            live[name] += [row[name] for row in rows]
        live["pack"] += [folder.name] * len(rows)
    _fill(connection, "metrics", {**_METRICS, "pack": "VARCHAR"}, live)
    try:
        _insert(connection, [path for paths in sealed for path in paths])
    except StoreError:  # a segment without a checksum is damaged: which?
        for paths in sealed:
            try:
                _insert(connection, paths)
            except StoreError as error:
                on_damage(error)


def _insert(connection: "DuckDBPyConnection", paths: list[Path]) -> None:
    if not paths:
        return
    place = paths[0].parent if len({path.parent for path in paths}) == 1 else paths[0].parents[2]
    with damage_as_store_error(place):
        connection.execute(
            f"INSERT INTO metrics SELECT {', '.join(_METRICS)}, {_PACK_OF_FILE} FROM read_parquet($1, filename = true)",
            [[escape(str(path)) for path in paths]],
        )


def _event_columns(folders: list[Path], on_damage: OnDamage) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in _EVENTS}
    for folder in folders:
        try:
            events = read_events(folder)
        except StoreError as error:
            on_damage(error)
            continue
        for event in events:
            detail = dict(event)
            first = [detail.pop(name) for name in ("run", "step", "event")]
            for name, value in zip(_EVENTS, (*first, folder.name, json.dumps(detail)), strict=True):
                columns[name].append(value)
    return columns

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

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from grokscope.runs.store.catalogue import FIXED, OnDamage, refuse, require_store
from grokscope.runs.store.limits import MAX_ROWS, MEMORY, TIMEOUT, Cells, Limits, limited
from grokscope.runs.store.numbers import METRICS
from grokscope.runs.store.segments import first_line
from grokscope.runs.store.tables import EVENTS, fill_events, fill_metrics, fill_runs, filled

_TABLES = {
    "runs": (fill_runs, FIXED),
    "metrics": (fill_metrics, {**METRICS, "pack": "VARCHAR"}),
    "events": (fill_events, EVENTS),
}
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

    require_store(store)
    # never spills to a file; copying without regard to order is twice as fast
    config: dict[str, Any] = {"temp_directory": "", "preserve_insertion_order": False, "memory_limit": limits.memory}
    with duckdb.connect(config=config) as connection:
        yield connection
        try:
            for table, (fill, empty) in _TABLES.items():
                if table in sql.lower():
                    fill(connection, store, on_damage)
                else:
                    filled(connection, table, empty, dict.fromkeys(empty, ()))
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

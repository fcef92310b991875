"""`grokscope query`: SQL over all runs of a store."""

import json as _json
import os
import sys
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import tyro

from grokscope.cli._options import Json, Store
from grokscope.cli.base import fail, warn_of
from grokscope.errors import GrokscopeError
from grokscope.runs.store.limits import MAX_ROWS, MEMORY, TIMEOUT, at_work

GROUP = "Look"


def query(
    sql: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="SQL")],
    *,
    timeout: float = TIMEOUT,
    max_rows: int = MAX_ROWS,
    memory: Annotated[str, tyro.conf.arg(metavar="SIZE")] = MEMORY,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """SQL over the tables runs, metrics (run, step, measure, view, value) and events of a store.

    For instance: grokscope query "select run, max(value) from metrics where measure = 'weights.norm' group by run"

    Rows are printed as they are found. At a limit the rows before it are printed, and the exit code is 1; with --json,
    "error" says why there are no more.

    Args:
        sql: the question; see the tables above.
        timeout: until the last row is found; a reader that pauses does not count [s].
        max_rows: of the answer [1].
        memory: for the tables and the work on them, with its unit, such as 500MB or 4GB.
    """
    from grokscope.runs.store.query import asked

    damage: list[Exception] = []
    limits = {"timeout": timeout, "max_rows": max_rows, "memory": memory}
    try:
        with asked(store, sql, on_damage=damage.append, **limits) as (columns, rows):
            first = list(islice(rows, 1))  # an error before any row must come before the header
            warn_of(damage)
            if json:
                _print_json(columns, chain(first, rows), damage)
            else:
                _print(columns, chain(first, rows))
    except (GrokscopeError, KeyboardInterrupt) as error:
        if at_work():
            sys.stdout.flush()
            os._exit(fail(error if str(error) else "interrupted", 1))
        raise


def _print(columns: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    print("\t".join(columns))
    for row in rows:
        print("\t".join("" if value is None else str(value) for value in row))


def _print_json(columns: list[str], rows: Iterable[tuple[Any, ...]], damage: list[Exception]) -> None:
    """One JSON object, written row by row, and complete also after an error."""
    from grokscope.runs.store.jsonl import finite

    error: BaseException | None = None
    sys.stdout.write(f'{{"columns": {_json.dumps(columns)}, "rows": [')
    try:
        for place, row in enumerate(rows):
            text = _json.dumps(finite(row), allow_nan=False, default=str)
            sys.stdout.write(f", {text}" if place else text)
    except BrokenPipeError:
        raise
    except BaseException as raised:
        error = raised
    ending = "" if error is None else f', "error": {_json.dumps(str(error) or type(error).__name__)}'
    print(f'], "damaged": {_json.dumps([*map(str, damage)])}{ending}}}', flush=True)
    if error is not None:
        raise error

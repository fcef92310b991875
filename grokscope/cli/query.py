"""`grokscope query`: SQL over all runs of a store."""

from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli.base import Json, Store, emit, warn_of


def query(
    sql: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="SQL")],
    *,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """SQL over the tables runs, metrics (run, step, measure, view, value) and events of a store.

    For instance: grokscope query "select run, max(value) from metrics where measure = 'weights.norm' group by run"
    """
    from grokscope.runs.store.query import query as ask

    damage: list[Exception] = []
    columns, rows = ask(store, sql, on_damage=damage.append)
    warn_of(damage)
    if json:
        emit({"columns": columns, "rows": rows, "damaged": [str(error) for error in damage]})
        return
    print("\t".join(columns))
    for row in rows:
        print("\t".join("" if value is None else str(value) for value in row))

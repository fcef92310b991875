"""Columns of cells of several kinds in SQL, so that tables whose columns differ can be put together without loss.

A column of one kind of scalar has its SQL type. A column of several kinds (an option that is a number here and a word
there), or of nothing but nulls, holds JSON texts, and its name ends in MIXED.
"""

import json
import math
from collections.abc import Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.runs.store.documents import LARGEST

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MIXED = "#"
KINDS: Mapping[type, str] = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
_JSON_KINDS = {"UBIGINT": int, "BIGINT": int, "DOUBLE": float, "VARCHAR": str, "BOOLEAN": bool}


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def path_literal(path: Path) -> str:
    """A path in SQL, escaped, because DuckDB reads *, ? and [ as patterns."""
    return literal(escape(str(path.absolute())))


def parquet(path: Path) -> str:
    """The rows of a Parquet file, for FROM."""
    return f"read_parquet([{path_literal(path)}])"


def sql_type(kinds: set[type]) -> str:
    """The type of a column whose cells are of these kinds: a number is a number, anything else a text."""
    if len(kinds) == 1:
        return KINDS[next(iter(kinds))]
    return "DOUBLE" if kinds == {int, float} else "VARCHAR"


def table(connection: "DuckDBPyConnection", name: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """A temporary table of Python's scalars."""
    import numpy as np

    made, arrays = [], {}
    for number, (column, cells) in enumerate(columns.items()):  # columns by number: a field's name may be anything
        held = [_in_range(cell) for cell in cells]
        kinds = {type(cell) for cell in held if cell is not None}
        mixed = len(kinds) != 1
        made.append(f"{quoted(column + MIXED * mixed)} {'VARCHAR' if mixed else sql_type(kinds)}")
        arrays[f"c{number}"] = np.array([_text(cell) for cell in held] if mixed else held, dtype=object)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({', '.join(made)})")
    if arrays and len(next(iter(arrays.values()))):
        connection.register("incoming", arrays)
        connection.execute(f"INSERT INTO {name} SELECT * FROM incoming")
        connection.unregister("incoming")


def _in_range(cell: Any) -> Any:
    """SQL's whole numbers have 63 bits; a larger one is a float."""
    return cell if type(cell) is not int or -LARGEST <= cell < LARGEST else float(str(cell))


def _text(cell: Any) -> str | None:
    return None if cell is None or (type(cell) is float and not math.isfinite(cell)) else json.dumps(cell)


def columns_of(connection: "DuckDBPyConnection", relation: str | None) -> dict[str, str]:
    """The columns of a relation, without MIXED -> SQL type, "" for a mixed one."""
    if relation is None:
        return {}
    found = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
    return {name.removesuffix(MIXED): "" if name.endswith(MIXED) else kind for name, kind, *_ in found}


def merged(connection: "DuckDBPyConnection", first: str | None, second: str | None) -> str:
    """The rows of both relations, for FROM; a column that one of them lacks is null there."""
    parts = [(relation, columns_of(connection, relation)) for relation in (first, second) if relation]
    names = dict.fromkeys(name for _, columns in parts for name in columns)
    types = {name: {columns[name] for _, columns in parts if name in columns} for name in names}

    def cell(name: str, columns: Mapping[str, str]) -> str:
        mixed = len(types[name]) != 1 or "" in types[name]
        if name not in columns:
            value = "NULL"
        elif not columns[name]:
            value = quoted(name + MIXED)
        else:
            value = f"to_json({quoted(name)})::VARCHAR" if mixed else quoted(name)
        return f"{value} AS {quoted(name + MIXED * mixed)}"

    selects = [f"SELECT {', '.join(cell(n, columns) for n in names)} FROM {relation}" for relation, columns in parts]
    return f"({' UNION ALL '.join(selects)})"


def plain(connection: "DuckDBPyConnection", relation: str) -> dict[str, str]:
    """The columns of a relation, without MIXED -> an expression without JSON texts; a text is as Python writes it."""
    columns = columns_of(connection, relation)
    mixed = [name for name, kind in columns.items() if not kind]
    kinds = [f"list(DISTINCT json_type({quoted(name + MIXED)}))" for name in mixed]
    if not mixed:
        return {name: quoted(name) for name in columns}
    found = connection.execute(f"SELECT {', '.join(kinds)} FROM {relation}").fetchall()[0]
    expressions = {name: quoted(name) for name in columns}
    for name, of in zip(mixed, found, strict=True):
        type_ = sql_type({_JSON_KINDS[kind] for kind in of or () if kind is not None})
        text = f"json_extract_string({quoted(name + MIXED)}, '$')"
        if type_ == "VARCHAR":
            is_flag = f"json_type({quoted(name + MIXED)}) = 'BOOLEAN'"
            expressions[name] = f"CASE WHEN {is_flag} THEN upper({text}[1]) || {text}[2:] ELSE {text} END"
        else:
            expressions[name] = f"CAST({text} AS {type_})"
    return expressions

"""One table in one Parquet file, with texts beside it, for what leaves the store: written once, checked when read.

The same rows and texts give the same bytes, whatever the machine and its number of threads (of one version of DuckDB,
which writes its own into the file). The file carries its own SHA-256 (`checksum`).
"""

import tempfile
from collections.abc import Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.errors import StoreError
from grokscope.runs.output import write_output
from grokscope.runs.store.checksum import BLANK, intact, read_file, stamped
from grokscope.runs.store.segments import engine, first_line

TYPES = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE"}
_MAGIC, _CHECKSUM = b"PAR1", "grokscope"  # how every Parquet file begins and ends; the name of the text of the checksum


def write_table(
    path: str | Path, columns: Mapping[str, type], rows: Sequence[Sequence[Any]], texts: Mapping[str, str]
) -> Path:
    """Writes rows in their order; columns: name -> str, int or float. None is no value."""
    import duckdb

    held = np.array([*map(tuple, rows)], dtype=object).reshape(len(rows), len(columns))
    names = ", ".join(f"{name}::{TYPES[kind]} AS {name}" for name, kind in columns.items())
    about = ", ".join(f"{name}: {_literal(text)}" for name, text in {**texts, _CHECKSUM: BLANK}.items())
    with tempfile.TemporaryDirectory() as folder, engine() as database:
        target = Path(folder) / "table.parquet"
        database.register("held", {name: held[:, place] for place, name in enumerate(columns)})
        try:
            database.execute(
                f"COPY (SELECT {names} FROM held) TO {_literal(str(target))} "
                f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{about}}})"
            )
        except duckdb.Error as error:  # such as a full disk
            raise StoreError(f"cannot write {path}: {first_line(error)}") from error
        finally:
            database.unregister("held")
        return write_output(path, stamped(target.read_bytes()))


def read_table(
    path: str | Path, columns: Mapping[str, type], kind: str
) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    """The rows and the texts that `write_table` wrote. kind: what the file should be, for messages.

    ValueError where there is no such file, StoreError for another one and for one that is damaged.
    """
    import duckdb

    _require(Path(path), kind)
    source = f"[{_literal(escape(str(path)))}]"
    try:
        found = engine().execute(f"SELECT key, value FROM parquet_kv_metadata({source})").fetchall()
        texts = {bytes(key).decode(): bytes(value).decode() for key, value in found}
        described = engine().execute(f"DESCRIBE SELECT * FROM read_parquet({source})").fetchall()
        if {name: type_ for name, type_, *_ in described} != {name: TYPES[of] for name, of in columns.items()}:
            raise StoreError(f"{path} is no {kind}: its columns are {', '.join(str(name) for name, *_ in described)}")
        return engine().execute(f"SELECT {', '.join(columns)} FROM read_parquet({source})").fetchall(), texts
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is no {kind}, or is damaged: {first_line(error)}") from error


def _require(path: Path, kind: str) -> None:
    """Raises unless the file is a whole Parquet file that fits the checksum in it."""
    try:
        data = read_file(path)
    except FileNotFoundError:
        raise ValueError(f"there is no {kind} {path}") from None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    fits = intact(data)
    if not data.startswith(_MAGIC):
        raise StoreError(f"{path} is no {kind}: it is no Parquet file")
    if fits is False or not data.endswith(_MAGIC):
        raise StoreError(f"{path} is truncated or damaged: it does not fit the checksum in it; copy it anew")
    if fits is None:
        raise StoreError(f"{path} is no {kind}: it is a Parquet file without our checksum, such as another tool writes")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""The numbers of finished packs in the catalogue."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from grokscope.errors import StoreError
from grokscope.runs.store import merged
from grokscope.runs.store.checksum import checked
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.finished import Table
from grokscope.runs.store.segments import at_one_instant, segment_path

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

METRICS = {"run": "VARCHAR", "step": "BIGINT", "measure": "VARCHAR", "view": "VARCHAR", "value": "DOUBLE"}
_PACK_OF_FILE = "split_part(parse_dirpath(filename), '/', -2)"  # .../<pack>/metrics/seg-000001.parquet


def segments(paths: Sequence[Path]) -> str:
    """The rows of some segments, each with its pack, for FROM."""
    files = ", ".join(map(merged.path_literal, paths))
    return f"(SELECT {', '.join(METRICS)}, {_PACK_OF_FILE} AS pack FROM read_parquet([{files}], filename = true))"


def _gather(connection: "DuckDBPyConnection", folders: Sequence[Path]) -> list[str]:
    connection.execute("CREATE OR REPLACE TEMP TABLE fresh (pack VARCHAR)")
    vouched, paths = [], list[Path]()
    for folder in folders:
        with suppress(StoreError):
            numbers, rows = at_one_instant(folder)
            sealed = [segment_path(folder, number).absolute() for number in numbers]
            if finished_at(folder) is not None and not rows and all(map(checked, sealed)):
                paths += sealed
                vouched.append(folder.name)
    if paths:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT pack, * EXCLUDE pack FROM {segments(paths)}")
    return vouched


NUMBERS = Table(
    name="numbers", gather=_gather, order="pack, run, measure, view, step",
    files=("metrics", "journal.jsonl"), segments=True,
)  # fmt: skip

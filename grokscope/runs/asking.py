"""A store from Python: `gs.runs("runs")`, and SQL, `gs.query("select ...", store="runs")`."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grokscope.errors import StoreError
from grokscope.runs.frames import data_frame
from grokscope.runs.run import Run
from grokscope.runs.run import runs as runs_of
from grokscope.runs.store.limits import MAX_ROWS, MEMORY, TIMEOUT, Cells
from grokscope.runs.store.mirror import opened
from grokscope.runs.store.query import query as rows_of

if TYPE_CHECKING:
    from pandas import DataFrame  # pyright: ignore[reportMissingImports]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The rows of a query, as tuples in the order of `columns`. damaged: packs that are left out, with the reason."""

    columns: list[str]
    rows: list[Cells]
    damaged: list[StoreError]

    def __iter__(self) -> Iterator[Cells]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def df(self) -> "DataFrame":
        """The rows as a pandas frame; GrokscopeError where pandas is not installed."""
        return data_frame(self.rows, columns=self.columns)


def query(
    sql: str, *, store: str | Path = "runs", timeout: float = TIMEOUT, max_rows: int = MAX_ROWS, memory: str = MEMORY
) -> Answer:
    """Read-only SQL over the tables runs, metrics and events of a store, as `grokscope query` has it.

    store: a folder, or a URL that fsspec knows. timeout [s], max_rows, memory (such as "4GB"): limits of the query.
    ValueError for wrong SQL, StoreError if there is no store, GrokscopeError at a limit.
    """
    damaged: list[StoreError] = []
    limits = {"timeout": timeout, "max_rows": max_rows, "memory": memory}
    columns, rows = rows_of(opened(store), sql, on_damage=damaged.append, **limits)
    return Answer(columns=columns, rows=rows, damaged=damaged)


def runs(store: str | Path = "runs") -> list[Run]:
    """All runs of a store, oldest first. A pack that cannot be read is left out, and a warning names it.

    store: a folder, or a URL that fsspec knows. StoreError if there is no store.
    """
    return list(runs_of(opened(store), on_damage=lambda error: warnings.warn(f"left out: {error}", stacklevel=2)))

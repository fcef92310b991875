"""The journal of a pack: the metric rows that are not yet sealed into a segment.

JSON lines. The first is a header {"segment": k}: the rows below it become metrics/seg-<k>.parquet. That number is what
makes sealing safe: a journal whose segment exists has been sealed, however its writer died (segments.py).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from grokscope.errors import StoreError
from grokscope.runs.store import jsonl


class Row(TypedDict):
    """One number: `measure` on `view` (empty where it looks at no cloud of points) of `run` at `step`."""

    run: str
    step: int
    measure: str
    view: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a journal holds; `segment` is None where it has no intact header, `torn` where a last line was dropped."""

    segment: int | None
    rows: list[Row]
    torn: bool


def read_journal(path: Path, *, containing: Sequence[bytes] = ()) -> Contents:
    """Read without writing, so also beside a writer.

    containing: parse only the lines with all of these bytes in them, to find one series in a long journal quickly.
    Lines without them are not checked for damage, and some that come back may contain them by accident.
    """
    lines = jsonl.read_lines(path)
    if not lines.raw:
        return Contents(segment=None, rows=[], torn=lines.torn)
    header = lines.records(stop=1)[0]
    if set(header) != {"segment"}:
        raise StoreError(f'{path} is not a journal: its first line is not {{"segment": k}}')
    rows: list[Any] = lines.records(start=1, containing=containing)
    return Contents(segment=header["segment"], rows=rows, torn=lines.torn)


class Journal:
    """The journal as its one writer sees it; made by `segments.recover`. Constructing and reading touch nothing.

    segment: the number for a file that is missing or has lost its header.
    """

    def __init__(self, path: Path, *, segment: int = 1):
        self.path = path
        self._segment = segment
        self._intact = False

    def append(self, rows: Iterable[Row]) -> list[Row]:
        """Write all rows of one evaluation at once and sync; returns those left out because they are not finite.

        When the disk is full the file is cut back to where it was, and StoreError raised.
        """
        rows = list(rows)
        finite = [_plain(row) for row in rows if math.isfinite(row["value"])]
        if finite:
            self.prepare()
            try:
                jsonl.append(self.path, finite)
            except BaseException:
                self._intact = False  # cutting back may have failed as well
                raise
        return [row for row in rows if not math.isfinite(row["value"])]

    def read(self) -> Contents:
        """All intact rows, and whether a torn last line was dropped."""
        return read_journal(self.path)

    def prepare(self) -> None:
        """Make the file ready for appending: create it, or cut off the torn line that a killed writer left."""
        if self._intact:
            return
        jsonl.repair(self.path)
        if not jsonl.read_lines(self.path).raw:
            self.reset(self._segment)
        self._intact = True

    def reset(self, segment: int) -> None:
        """Replace the file atomically by an empty journal for the next segment."""
        jsonl.rewrite(self.path, [jsonl.encode({"segment": segment})])
        self._segment = segment
        self._intact = True

    def truncate_after(self, step: int) -> int:
        """Drop the rows after `step` (those a resumed run will write again); returns how many."""
        self.prepare()
        header, *raw = jsonl.read_lines(self.path).raw
        kept = [line for line, row in zip(raw, self.read().rows, strict=True) if row["step"] <= step]
        if len(kept) < len(raw):
            jsonl.rewrite(self.path, [header, *kept])
        return len(raw) - len(kept)

    @property
    def size(self) -> int:
        """Bytes on disk, to decide when to seal: at about 2 MB, since reading a live journal takes 10 ms a MB."""
        return self.path.stat().st_size if self.path.exists() else 0


def _plain(row: Row) -> dict[str, Any]:
    """The row in Python's own numbers: NumPy's and torch's are not JSON."""
    return {
        "run": row["run"],
        "step": int(row["step"]),
        "measure": row["measure"],
        "view": row["view"],
        "value": float(row["value"]),
    }

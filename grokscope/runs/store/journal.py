"""The journal of a pack: the metric rows that are not yet sealed into a segment.

JSON lines. The first is a header {"segment": k, "sealed": [...], "forgotten": n}: the rows below it become
metrics/seg-<k>.parquet. The number k makes sealing safe: a journal whose segment exists has been sealed, however its
writer died (segments.py). "sealed" lists the segments that must exist, so a lost one is noticed. "forgotten" counts the
rows that were dropped to be measured again.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from grokscope.errors import StoreError
from grokscope.runs.store import jsonl
from grokscope.runs.store.checksum import ADVICE
from grokscope.runs.store.documents import LARGEST, is_count

_KEYS = {"segment", "sealed", "forgotten"}
_TEXTS = ("run", "measure", "view")


class Measured(TypedDict):
    """One number: `measure` on `view` (empty if the measure has no views) of `run` at `step`."""

    run: str
    step: int
    measure: str
    view: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The content of a journal. segment: None without an intact header. torn: whether a last line was dropped. sealed:
    None if the header does not say which segments must exist."""

    segment: int | None
    rows: list[Measured]
    torn: bool
    sealed: list[int] | None = None
    forgotten: int = 0


def read_journal(path: Path, *, containing: Sequence[bytes] = ()) -> Contents:
    """Read without writing, so also beside a writer.

    containing: parse only the lines that contain all of these bytes, to find one series in a long journal quickly. All
    lines are checked for damage; some of the rows may contain the bytes by accident.
    """
    lines = jsonl.read_lines(path)
    if not lines.raw:
        return Contents(segment=None, rows=[], torn=lines.torn)
    header = lines.records(stop=1)[0]
    if not _is_header(header):
        raise StoreError(f'{path} is not a journal: its first line is not {{"segment": k}}; {ADVICE}')
    rows: list[Any] = lines.records(start=1, containing=containing)
    if not are_rows(rows):
        bad = next(row for row in rows if not are_rows([row]))
        raise StoreError(f"{path} is damaged: {str(bad)[:200]} is no row of run, step, measure, view, value; {ADVICE}")
    return Contents(
        segment=header["segment"],
        rows=rows,
        torn=lines.torn,
        sealed=header.get("sealed"),
        forgotten=header.get("forgotten", 0),
    )


class Journal:
    """The journal as its one writer sees it; made by `segments.recover`. Constructing and reading touch nothing.

    segment: the number for a file that is missing or has lost its header. sealed, forgotten: of its next header.
    """

    def __init__(self, path: Path, *, segment: int = 1):
        self.path = path
        self.sealed: list[int] | None = None
        self.forgotten = 0
        self._segment = segment
        self._intact = False

    def append(self, rows: Iterable[Measured]) -> list[Measured]:
        """Write all finite rows of one evaluation at once and sync; returns the rows that are not finite.

        On a full disk the file is cut back to its old length, and StoreError raised.
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
        jsonl.repair(self.path, header=None)
        if not jsonl.read_lines(self.path).raw:
            self.reset(self._segment)
        self._intact = True

    def reset(self, segment: int) -> None:
        """Replace the file atomically by an empty journal for the next segment."""
        jsonl.rewrite(self.path, [self._header(segment)])
        self._segment = segment
        self._intact = True

    def truncate_after(self, step: int) -> None:
        """Drop the rows after `step`, which a resumed run writes again."""
        self.prepare()
        header, *lines = jsonl.read_lines(self.path).contents()
        before = [line for line, row in zip(lines, self.read().rows, strict=True) if row["step"] <= step]
        if len(before) < len(lines):
            jsonl.rewrite(self.path, [header, *before])

    def announce(self) -> None:
        """Replace the header by the present `sealed` and `forgotten`. It comes before segments change: a crash then
        leaves more than the header says, never less."""
        self.prepare()
        lines = jsonl.read_lines(self.path)
        jsonl.rewrite(self.path, [self._header(lines.records(stop=1)[0]["segment"]), *lines.contents()[1:]])

    def _header(self, segment: int) -> bytes:
        header: dict[str, Any] = {"segment": segment}
        if self.sealed is not None:
            header["sealed"] = self.sealed
        if self.forgotten:
            header["forgotten"] = self.forgotten
        return jsonl.encode(header)

    @property
    def size(self) -> int:
        """Bytes on disk, to decide when to seal."""
        return self.path.stat().st_size if self.path.exists() else 0


def _plain(row: Measured) -> dict[str, Any]:
    """The row with Python's own numbers: NumPy's and torch's are not JSON."""
    return {
        "run": row["run"],
        "step": int(row["step"]),
        "measure": row["measure"],
        "view": row["view"],
        "value": float(row["value"]),
    }


def _is_header(header: dict[str, Any]) -> bool:
    sealed = header.get("sealed", [])
    counts = (header.get("segment"), header.get("forgotten", 0))
    return header.keys() <= _KEYS and all(map(is_count, counts)) and type(sealed) is list and all(map(is_count, sealed))


def are_rows(rows: Sequence[Any]) -> bool:
    """Whether all have the keys and types of a row. Column by column, this takes a tenth of the parsing."""
    try:
        kinds = {name: set(map(type, [row[name] for row in rows])) for name in Measured.__annotations__}
    except KeyError:
        return False
    if any(not kinds[name] <= {str} for name in _TEXTS) or not kinds["step"] <= {int}:
        return False
    if not kinds["value"] <= {float, int} or any(len(row) != len(kinds) for row in rows):
        return False
    steps = [row["step"] for row in rows]
    try:
        return 0 <= min(steps, default=0) <= max(steps, default=0) < LARGEST and all(
            math.isfinite(row["value"]) for row in rows
        )
    except OverflowError:  # a whole number that no float holds
        return False

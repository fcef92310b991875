"""What a journal gets from now on: a reader beside the writer reads the new bytes, and none twice.

A cursor is the length of the journal, and the checksum at the end of its last whole line. That is the sum over all
bytes before it, so it tells whether the file still begins as it did. A journal that was sealed, or rewound by a resumed
run, does not: then the reader asks for its series again (`windows.read_windows`).
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from grokscope.errors import StoreError
from grokscope.runs.store import jsonl
from grokscope.runs.store.checksum import ADVICE
from grokscope.runs.store.journal import Measured, are_rows

NAME = "journal.jsonl"
NOWHERE = "0.00000000"  # of a journal that is not there yet, or has no checksums
_CURSOR = re.compile(r"(\d{1,18})\.([0-9a-f]{8})")
_LAST = 65_536  # bytes read to find the end of the last whole line
MOST = 4_000_000  # bytes read at once: twice the journal that is sealed


@dataclass(frozen=True, kw_only=True)
class News:
    """rows: in the order of writing. again: whether others may have come and gone, so that series must be read anew."""

    cursor: str
    rows: list[Measured]
    again: bool


def cursor(folder: Path) -> str:
    """The present end of a pack's journal."""
    path = folder / NAME
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = max(0, size - _LAST)
            file.seek(start)
            data = file.read(size - start)
    except FileNotFoundError:
        return NOWHERE
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    end = data.rfind(b"\n") + 1
    return _at(start + end, data[:end])


def since(folder: Path, before: str) -> News:
    """The rows after a cursor. ValueError for a text that is no cursor; StoreError for a damaged row."""
    found = _CURSOR.fullmatch(before)
    if found is None:
        raise ValueError(f"a cursor is a length and a checksum, such as {NOWHERE}, got {before[:40]!r}")
    offset, path = int(found[1]), folder / NAME
    if before == NOWHERE:
        now = cursor(folder)
        return News(cursor=now, rows=[], again=now != NOWHERE)
    back = min(offset, jsonl.MARK + 1)
    try:
        with open(path, "rb") as file:
            file.seek(offset - back)
            data = file.read(back + MOST)
    except FileNotFoundError:
        return News(cursor=NOWHERE, rows=[], again=True)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    if len(data) < back or _at(offset, data[:back]) != before or len(data) == back + MOST:
        return News(cursor=cursor(folder), rows=[], again=True)
    new = data[back : data.rfind(b"\n") + 1]
    rows = jsonl.records_after(new, int(found[2], 16), data[:back], path)
    if not are_rows(rows):
        raise StoreError(f"{path} is damaged: a line is no row of run, step, measure, view, value; {ADVICE}")
    return News(cursor=_at(offset + len(new), data[: back + len(new)]), rows=rows, again=False)


def _at(offset: int, data: bytes) -> str:
    """The cursor at the end of some whole lines."""
    mark = jsonl.mark(data)
    return NOWHERE if mark is None else f"{offset}.{mark:08x}"

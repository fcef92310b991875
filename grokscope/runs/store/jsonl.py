"""JSON lines, appended and synced; the last line may be torn if the writer was killed.

Each line ends in `"crc"`, the CRC-32 of all bytes of the file before it. So one sum over the file checks every line,
and a missing or moved line is damage too. A torn last line has no newline, or is full of zeros after a power cut; it is
dropped on reading, and cut off before the next append. Any other line that does not fit is damage, and an error.

Files from before there were checksums are read as they are, and get theirs before the next append.
"""

import json
import math
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from grokscope.errors import StoreError
from grokscope.runs.store.atomic import clear_errors, make_folder, write_atomic
from grokscope.runs.store.checksum import ADVICE, read_file

HEADER = {"lines": "crc32"}  # the first line of a file that has no header of its own
_CRC = re.compile(rb', "crc": "([0-9a-f]{8})"\}')
MARK = len(b', "crc": "01234567"}')  # bytes of a checksum, at the end of its line
_ZEROS = b"\0\0"  # left by a power cut that saved the length and not the data; a single zero is a damaged space


@dataclass(frozen=True, kw_only=True)
class Lines:
    """The intact lines of a file, without newlines. torn: whether a last line was dropped. checked: whether they have
    checksums, which then fit."""

    path: Path
    raw: list[bytes]
    torn: bool
    checked: bool

    def records(
        self, start: int = 0, stop: int | None = None, containing: Sequence[bytes] = ()
    ) -> list[dict[str, Any]]:
        """The parsed lines of raw[start:stop] that contain all of the bytes `containing`."""
        lines = self.raw[start:stop]
        for part in containing:
            lines = [line for line in lines if part in line]
        try:
            records = json.loads(b"[" + b",".join(lines) + b"]")  # one call of the parser: 3 times faster than a loop
        except (ValueError, RecursionError):
            records = None
        if records is None or len(records) != len(lines) or not all(type(record) is dict for record in records):
            records = [self._record(number, line) for number, line in enumerate(self.raw[start:stop], start + 1)]
        for record in records if self.checked else ():
            record.pop("crc", None)
        return records

    def body(self) -> list[dict[str, Any]]:
        """The parsed lines of a file without a header of its own."""
        return self.records(start=1 if self.checked else 0)

    def contents(self) -> list[bytes]:
        """The lines without their checksums."""
        return [line[:-MARK] + b"}" for line in self.raw] if self.checked else self.raw

    def _record(self, number: int, line: bytes) -> dict[str, Any]:
        record = parsed_line(line)
        if record is None:
            raise _damage(self.path, number, "is not a JSON object", len(self.raw))
        return record


def read_lines(path: Path) -> Lines:
    """The intact lines of `path`; none if it does not exist. Never writes, so it may run beside a writer."""
    try:
        data = read_file(path)
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    return split(data, path)


def split(data: bytes, path: Path) -> Lines:
    """`read_lines` for the bytes of a file; path: for messages."""
    raw = data.split(b"\n")
    rest = raw.pop()
    checked = bool(raw) and _CRC.fullmatch(raw[0][-MARK:]) is not None
    torn = rest != b""
    if not torn and raw and _ZEROS in raw[-1]:
        rest, torn = raw.pop(), True
    if checked:
        check(data, raw, rest, path)
    elif other := next((n for n, line in enumerate([*raw, rest[:-1]], 1) if _CRC.fullmatch(line[-MARK:])), None):
        raise _damage(path, 1, f"has no checksum, though line {other} has", len(raw))
    elif raw and parsed_line(raw[-1]) is None:
        raise _damage(path, len(raw), "is not a JSON object", len(raw))
    return Lines(path=path, raw=raw, torn=torn, checked=checked)


def broken(data: bytes) -> list[int]:
    """The numbers, from 1 on, of lines that do not fit their checksums; each is checked with the line before."""
    numbers, before = [], 0
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        mark = _CRC.fullmatch(line[-MARK:])
        if mark is None or (before is not None and crc32(line[:-MARK], before) != int(mark[1], 16)):
            numbers.append(number)
        before = None if mark is None else crc32(mark[0] + b"\n", int(mark[1], 16))
    return numbers


def repair(path: Path, header: dict[str, Any] | None = HEADER) -> None:
    """Cut off a torn last line, and add the checksums of an old file.

    header: the first line that an old file gets; None if it has a header.
    """
    lines = read_lines(path)
    if lines.raw and not lines.checked:
        rewrite(path, [*([encode(header)] if header else []), *lines.raw])
    elif lines.torn:
        with clear_errors(path), open(path, "r+b") as file:
            file.truncate(sum(len(line) + 1 for line in lines.raw))
            os.fsync(file.fileno())


def append(path: Path, records: Sequence[dict[str, Any]]) -> None:
    """Append all records to an intact file at once and sync; after an error the file is as before."""
    lines = [encode(record) for record in records]
    with clear_errors(path, sum(len(line) + MARK + 1 for line in lines)):
        make_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            start = os.fstat(descriptor).st_size
            if not start:
                lines = [encode(HEADER), *lines]
            data = summed(lines, _sum_so_far(descriptor, start, path))
            try:
                written = os.write(descriptor, data)
                while written < len(data):  # a disk that fills up takes a part, and fails at the next call
                    written += os.write(descriptor, data[written:])
                os.fsync(descriptor)
            except BaseException:
                with suppress(OSError):
                    os.ftruncate(descriptor, start)
                    os.fsync(descriptor)
                raise
        finally:
            os.close(descriptor)


def rewrite(path: Path, contents: Sequence[bytes]) -> None:
    """Replace the file atomically by these lines, each with its checksum."""
    write_atomic(path, summed(contents))


def summed(lines: Sequence[bytes], before: int = 0) -> bytes:
    """The lines with their checksums; before: the sum of the bytes before them."""
    parts = []
    for line in lines:
        if line == b"{}":
            raise ValueError("a record needs at least one field")
        own = crc32(line[:-1], before)
        end = b', "crc": "%08x"}\n' % own
        before = crc32(end, own)
        parts += [line[:-1], end]
    return b"".join(parts)


def encode(record: dict[str, Any]) -> bytes:
    """Strict JSON on one line. Other readers (browsers, DuckDB) know no NaN: a number that is not finite is null."""
    return json.dumps(finite(record), allow_nan=False).encode()


def finite(value: Any) -> Any:
    """The value with null for every number that is not finite, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def _sum_so_far(descriptor: int, size: int, path: Path) -> int:
    """The sum of a whole file, from the checksum of its last line."""
    if not size:
        return 0
    end = os.pread(descriptor, MARK + 1, max(0, size - MARK - 1))
    if (before := mark(end)) is None:
        raise StoreError(f"{path} does not end in a line with a checksum: it must be repaired before an append")
    return crc32(end, before)


def mark(data: bytes) -> int | None:
    """The checksum at the end of some whole lines; None where the last one has none."""
    found = _CRC.fullmatch(data[-MARK - 1 : -1]) if data[-1:] == b"\n" else None
    return None if found is None else int(found[1], 16)


def records_after(data: bytes, before: int, end: bytes, path: Path) -> list[Any]:
    """The parsed lines that follow others in a file. before: the checksum at the `end` of those. StoreError unless the
    new lines continue it."""
    raw = data.split(b"\n")[:-1]
    last = mark(data)
    if raw and (last is None or crc32(data[: -MARK - 1], crc32(end[-MARK - 1 :], before)) != last):
        raise _damage(path, 1, "after the others does not fit its checksum", len(raw))
    return Lines(path=path, raw=raw, torn=False, checked=True).records()


def check(data: bytes, raw: list[bytes], rest: bytes, path: Path) -> None:
    """StoreError unless one sum fits all whole lines, and the rest is no whole line with a damaged newline."""
    size = sum(map(len, raw)) + len(raw)
    last = _CRC.fullmatch(raw[-1][-MARK:])
    if last is None or crc32(memoryview(data)[: size - MARK - 1]) != int(last[1], 16):
        number = next(iter(broken(data[:size])), len(raw))
        raise _damage(path, number, "does not fit its checksum", len(raw))
    mark = _CRC.fullmatch(rest[-MARK - 1 : -1])
    if mark and crc32(rest[: -MARK - 1], crc32(memoryview(data)[:size])) == int(mark[1], 16):
        raise _damage(path, len(raw) + 1, "does not end in a newline", len(raw) + 1)


def _damage(path: Path, number: int, what: str, count: int) -> StoreError:
    return StoreError(f"{path} is damaged: line {number} {what}, of {count} lines; {ADVICE}")


def parsed_line(line: bytes) -> dict[str, Any] | None:
    """The JSON object on a line; None if there is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None

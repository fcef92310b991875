"""Scalars in the event files of TensorBoard, read without TensorBoard.

A file is a sequence of records: length (8 bytes), its checksum (4), the record, its checksum (4), all little-endian
(tensorflow/core/lib/io/record_writer.h). A record is an Event (tensorflow/core/util/event.proto): 2 step, 5 summary of
values with 1 tag, 2 simple_value, 8 tensor (1 dtype, 4 content, 5 float, 6 double, 7 int, 10 int64 values). Checked
against files of torch.utils.tensorboard and of TensorBoard's own writer (tests/data/tensorboard).
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError
from grokscope.runs.curves.formats.base import Columns, Format

STEP = "step"
# DataType of a tensor -> how struct packs one of its values, and the field that holds a list of them.
DTYPES = {1: ("f", 5), 2: ("d", 6), 3: ("i", 7), 9: ("q", 10)}
HEADER = struct.Struct("<QI")
CRC = [0] * 256
for _byte in range(256):
    _crc = _byte
    for _ in range(8):
        _crc = _crc >> 1 ^ (0x82F63B78 if _crc & 1 else 0)  # Castagnoli's polynomial, reflected
    CRC[_byte] = _crc


def event_files(path: Path) -> list[Path]:
    """The event files in and below a folder, or `path` itself; sorted by name, which begins with the writing time."""
    if path.is_file():
        return [path] if "tfevents" in path.name else []
    return sorted(file for file in path.rglob("*tfevents*") if file.is_file())


def scalars(path: Path, files: Sequence[tuple[Path, bytes]]) -> tuple[Columns, list[str]]:
    """A row an event with scalars: its step, and a column a tag, with the folder before it (train/loss).

    files: with their bytes, in the order of writing. A file that breaks off is read up to there, with a remark.
    """
    root = path if path.is_dir() else path.parent
    rows: list[tuple[int, dict[str, float]]] = []
    remarks = []
    for file, content in files:
        folder = file.parent.relative_to(root).as_posix()
        before = "" if folder == "." else f"{folder}/"
        try:
            for record, check in _records(file, content):
                step, values = _event(record)
                if values:  # images and histograms are large, and left out
                    if _checksum(record) != check:
                        raise ValueError("its checksum does not fit")
                    rows.append((step, {before + tag: value for tag, value in values.items()}))
        except EOFError:
            remarks.append(f"{file.name} breaks off: read up to its last whole record")
        except (IndexError, ValueError, TypeError, AttributeError, struct.error) as error:
            raise GrokscopeError(f"{file} is damaged: a record of it is no event ({error})") from error
    tags = dict.fromkeys(tag for _, values in rows for tag in values)
    name = STEP if STEP not in tags else "event step"
    columns: Columns = {name: [step for step, _ in rows]}
    return columns | {tag: [values.get(tag) for _, values in rows] for tag in tags}, remarks


def _records(path: Path, content: bytes) -> Iterator[tuple[bytes, int]]:
    """The records, each with its checksum."""
    place = 0
    while place < len(content):
        if place + HEADER.size > len(content):
            raise EOFError
        length, check = HEADER.unpack_from(content, place)
        if _checksum(content[place : place + 8]) != check:
            raise GrokscopeError(f"{path} is damaged at byte {place}, or no event file of TensorBoard")
        place += HEADER.size
        if place + length + 4 > len(content):
            raise EOFError
        record, check = content[place : place + length], content[place + length : place + length + 4]
        yield record, int.from_bytes(check, "little")
        place += length + 4


def _checksum(data: bytes) -> int:
    """CRC-32C, rotated and shifted as TensorFlow does."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _event(record: bytes) -> tuple[int, dict[str, float]]:
    step, values = 0, {}
    for number, value in _fields(record):
        if number == 2:
            step = _signed(value)
        elif number == 5:
            for inner, summary in _fields(value):
                if inner == 1 and (scalar := _scalar(summary)) is not None:
                    values[scalar[0]] = scalar[1]
    return step, values


def _scalar(summary: bytes) -> tuple[str, float] | None:
    """The tag and the number of a summary's value; None for an image, a histogram or a text."""
    tag, number = "", None
    for field, value in _fields(summary):
        if field == 1:
            tag = value.decode()
        elif field == 2:
            number = struct.unpack("<f", value)[0]
        elif field == 8:
            number = _tensor(value)
    return None if number is None else (tag, number)


def _tensor(tensor: bytes) -> float | None:
    """The number in a tensor of one number; None for other tensors."""
    fields = dict(_fields(tensor))
    if fields.get(1) not in DTYPES:
        return None
    code, number = DTYPES[fields[1]]
    if isinstance(values := fields.get(number), int):  # a varint that is not packed
        return float(_signed(values))
    if fields.get(4) is None and code in "iq" and values:
        return float(_signed(_varint(values, 0)[0]))
    content = fields.get(4) or values or b""
    size = struct.calcsize(code)
    return float(struct.unpack(f"<{code}", content)[0]) if len(content) == size else None


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of the fields of a protocol buffer; a value is bytes, or a whole number if it is a varint."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
        else:
            if kind == 2:
                length, place = _varint(message, place)
            elif kind in (1, 5):
                length = 8 if kind == 1 else 4
            else:
                raise IndexError(f"field of wire type {kind}")
            value, place = message[place : place + length], place + length
            if place > len(message):
                raise IndexError("field beyond the record")
        yield number, value


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


tensorboard = Format(what="event files of TensorBoard", files=event_files, columns=scalars)

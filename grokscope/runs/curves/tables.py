"""Tables of numbers from files: csv, jsonl and json, npz, folders of TensorBoard. Columns by name, cells as read.

An empty cell is None. No code in a file is run.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.errors import GrokscopeError
from grokscope.runs.curves import tensorboard

DELIMITERS = (",", ";", "\t")
# Keys of the rows in a file of one JSON object (trainer_state.json of transformers).
ROWS = ("log_history", "history", "rows", "data")
FORMATS = "csv, tsv, jsonl, json, npz, or the event files of TensorBoard"


@dataclass(frozen=True, kw_only=True)
class Table:
    """columns: name -> cells, all of one length. sha256: of the file, or of all files. remarks: on what was mended."""

    columns: Mapping[str, Sequence[Any]]
    sha256: str
    remarks: Sequence[str] = field(default_factory=tuple)


def read_table(path: str | Path) -> Table:
    """The table of a file, by the end of its name, or of a folder with event files of TensorBoard.

    GrokscopeError for a file that is damaged or cannot be read; ValueError for an unknown format.
    """
    path = Path(path)
    events = tensorboard.event_files(path)
    if not events and not path.is_file():
        held = "holds no event file of TensorBoard" if path.is_dir() else "is not there"
        raise GrokscopeError(f"{path} {held}; expected {FORMATS}")
    files = events or [path]
    try:
        content = [file.read_bytes() for file in files]
    except OSError as error:
        raise GrokscopeError(f"cannot read {path}: {error.strerror or error}") from error
    digest = hashlib.sha256(b"".join(content)).hexdigest()
    if events:
        root = path if path.is_dir() else path.parent
        places = [file.parent.relative_to(root).as_posix() for file in events]
        columns, remarks = tensorboard.scalars(list(zip(places, events, content, strict=True)))
    else:
        columns, remarks = _read(path, content[0])
    if not columns or not any(len(cells) for cells in columns.values()):
        raise GrokscopeError(f"{path} holds no numbers")
    return Table(columns=columns, sha256=digest, remarks=remarks)


def _read(path: Path, data: bytes) -> tuple[dict[str, list[Any]], list[str]]:
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _npz(path, data), []
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".json": _json, ".csv": _csv, ".tsv": _csv, ".txt": _csv}
    if suffix not in readers:
        raise ValueError(f"{path} ends in {suffix or 'nothing'}: expected {FORMATS}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GrokscopeError(f"{path} is no text in UTF-8 ({error})") from error
    return readers[suffix](path, text)


def _csv(path: Path, text: str) -> tuple[dict[str, list[Any]], list[str]]:
    """The delimiter is the most frequent one of the first line; beside semicolons a comma is a decimal point."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=head.count)
    lines = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    if not lines:
        raise GrokscopeError(f"{path} is empty")
    names = [name.strip().removeprefix("#").strip() for name in lines[0]]
    if all(_is_number(name) for name in names if name):
        raise ValueError(f"{path} begins with numbers ({delimiter.join(names):.60}): expected a line of column names")
    if twice := sorted({name for name in names if names.count(name) > 1 and name}):
        raise ValueError(f"{path} has the column {twice[0]!r} twice")
    if wide := next((row for row in lines if len(row) > len(names)), None):
        raise ValueError(f"{path} has a row of {len(wide)} cells for {len(names)} columns: {delimiter.join(wide):.60}")
    rows = [[cell.strip() or None for cell in row] + [None] * (len(names) - len(row)) for row in lines[1:]]
    if delimiter == ";":
        rows = [[cell and _point(cell) for cell in row] for row in rows]
    return {name: [row[place] for row in rows] for place, name in enumerate(names) if name}, []


def _point(cell: str) -> str:
    return cell.replace(",", ".") if cell.count(",") == 1 and _is_number(cell.replace(",", ".")) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _jsonl(path: Path, text: str) -> tuple[dict[str, list[Any]], list[str]]:
    """A row a line, each with some of the keys. A torn last line is dropped, with a remark."""
    lines = [line for line in text.splitlines() if line.strip()]
    rows, remarks = [], []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            if number == len(lines) > 1:
                remarks.append("the last line is torn and was left out")
                break
            raise GrokscopeError(f"{path} is damaged: line {number} is not JSON ({error})") from error
        if not isinstance(row, dict):
            raise GrokscopeError(f"{path}: line {number} is a {type(row).__name__}, expected an object")
        rows.append(row)
    return _by_column(rows), remarks


def _json(path: Path, text: str) -> tuple[dict[str, list[Any]], list[str]]:
    """Rows in a list, alone or under one of ROWS; or columns by name."""
    try:
        content = json.loads(text)
    except ValueError as error:
        if "\n" in text.strip():  # a row a line, under another name
            return _jsonl(path, text)
        raise GrokscopeError(f"{path} is not JSON: {error}") from error
    if isinstance(content, dict):
        content = next((content[name] for name in ROWS if isinstance(content.get(name), list | dict)), content)
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        return _by_column(content), []
    columns = content.items() if isinstance(content, dict) else ()
    return _one_length(path, {name: cells for name, cells in columns if isinstance(cells, list)}), []


def _by_column(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    flat = [dict(_flat(row)) for row in rows]
    names = dict.fromkeys(name for row in flat for name in row)
    return {name: [row.get(name) for row in flat] for name in names}


def _flat(row: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    """The cells of nested objects: {"train": {"acc": 1}} is train/acc. Lists are left out."""
    for name, cell in row.items():
        if isinstance(cell, Mapping):
            yield from _flat(cell, f"{before}{name}/")
        elif not isinstance(cell, list):
            yield f"{before}{name}", cell


def _npz(path: Path, data: bytes) -> dict[str, list[Any]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = dict(archive)
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise GrokscopeError(f"{path} cannot be read as arrays: {' '.join(str(error).split())}") from error
    return _one_length(path, {name: array.tolist() for name, array in arrays.items() if array.ndim == 1})


def _one_length(path: Path, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The columns; ValueError if their lengths differ."""
    if len(set(map(len, columns.values()))) > 1:
        lengths = ", ".join(f"{name} {len(cells)}" for name, cells in columns.items())
        raise ValueError(
            f"{path} has columns of unequal length ({lengths}): expected one value a step; NaN means not evaluated"
        )
    return columns

"""Tables of numbers from files. Columns by name, cells as read; the formats are in `runs.curves.formats`."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError
from grokscope.runs.curves.formats.base import formats


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
    known = formats()
    format, files = next(((one, files) for one in known if (files := one.files(path))), (None, ()))
    if format is None:
        *names, last = (one.what for one in known)
        expected = f"expected {', '.join(names)} or {last}"
        if path.is_file():
            raise ValueError(f"{path} ends in {path.suffix.lower() or 'nothing'}: {expected}")
        raise GrokscopeError(f"{path} {'holds no such file' if path.is_dir() else 'is not there'}; {expected}")
    try:
        content = [(file, file.read_bytes()) for file in files]
    except OSError as error:
        raise GrokscopeError(f"cannot read {path}: {error.strerror or error}") from error
    columns, remarks = format.columns(path, content)
    if not any(len(cells) for cells in columns.values()):
        raise GrokscopeError(f"{path} holds no numbers")
    digest = hashlib.sha256(b"".join(data for _, data in content)).hexdigest()
    return Table(columns=columns, sha256=digest, remarks=remarks)

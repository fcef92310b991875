"""A line a row, cells between commas, semicolons or tabs."""

import csv
import io
from pathlib import Path

from grokscope.errors import GrokscopeError
from grokscope.runs.curves.formats.base import Columns, text_format

DELIMITERS = (",", ";", "\t")


def _columns(path: Path, text: str) -> tuple[Columns, list[str]]:
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


delimited = text_format(".csv", ".tsv", ".txt", columns=_columns)

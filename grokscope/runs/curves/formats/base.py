"""What a format of tables is: which files at a path it reads, and their columns by name.

An empty cell is None. No code in a file is run.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from grokscope.errors import GrokscopeError
from grokscope.registry import component, names

Columns: TypeAlias = dict[str, list[Any]]
FAMILY = "runs.curves.formats"


@dataclass(frozen=True, kw_only=True)
class Format:
    """what: its name in messages. files: those at a path that are of this format. columns: path, these files with their
    bytes -> the columns, and remarks on what was mended; GrokscopeError for a damaged file."""

    what: str
    files: Callable[[Path], Sequence[Path]]
    columns: Callable[[Path, Sequence[tuple[Path, bytes]]], tuple[Columns, list[str]]]


def formats() -> list[Format]:
    """Every format of tables."""
    return [component(FAMILY, name) for name in names(FAMILY)]


def text_format(*suffixes: str, columns: Callable[[Path, str], tuple[Columns, list[str]]]) -> Format:
    """A format of one file of text, by how its name ends."""

    def read(path: Path, files: Sequence[tuple[Path, bytes]]) -> tuple[Columns, list[str]]:
        try:
            text = files[0][1].decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise GrokscopeError(f"{path} is no text in UTF-8 ({error})") from error
        return columns(path, text)

    return Format(what=", ".join(suffix[1:] for suffix in suffixes), files=ending(*suffixes), columns=read)


def ending(*suffixes: str) -> Callable[[Path], Sequence[Path]]:
    """The file at a path whose name ends so."""
    return lambda path: [path] if path.suffix.lower() in suffixes and path.is_file() else []


def by_column(rows: Iterable[Mapping[str, Any]]) -> Columns:
    """Columns of rows that each have some of the names."""
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


def one_length(path: Path, columns: Columns) -> Columns:
    """The columns; ValueError if their lengths differ."""
    if len(set(map(len, columns.values()))) > 1:
        lengths = ", ".join(f"{name} {len(cells)}" for name, cells in columns.items())
        raise ValueError(
            f"{path} has columns of unequal length ({lengths}): expected one value a step; NaN means not evaluated"
        )
    return columns

"""Output files that the user names: `report -o`, `export -o`, `judge -o` and the like."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from grokscope.runs.store.atomic import kind_of, write_atomic


def write_output(path: str | Path, data: bytes | Callable[[BinaryIO], None]) -> Path:
    """Writes a file that the user named, atomically, and returns its path; makes its folder. ValueError as in
    `require_output`; StoreError for a link in a pack or a study. data: the content, or what writes it into a file."""
    named = Path(path)
    require_output(named)
    # Outside a store a link is the user's own: its target is replaced, and the link stays.
    write_atomic(named if _is_of_store(named) else Path(os.path.realpath(named)), data)
    return named


def require_free(path: str | Path, data: bytes | None = None, *, overwrite: bool = False) -> None:
    """ValueError, as `require_output`, and for a file that is there and holds other data, unless it is to be
    overwritten."""
    named = Path(path)
    require_output(named)
    if overwrite or not named.exists() or (named.is_symlink() and _is_of_store(named)):  # such a link is refused later
        return
    if data is None or named.stat().st_size != len(data) or named.read_bytes() != data:
        what = "" if data is None else " and holds something else"
        raise ValueError(f"{named} is there already{what}: give another name, or --overwrite")


def _is_of_store(named: Path) -> bool:
    return any((named.parent / name).exists() for name in ("pack.json", "plan.json"))


def require_output(path: str | Path) -> None:
    """ValueError unless the name is free or a regular file, also through links. A device, a pipe or a folder is never
    replaced, and never written to."""
    name = Path(path)
    try:
        mode = os.stat(name).st_mode
    except FileNotFoundError:
        if name.is_symlink():
            raise ValueError(f"cannot write {name}: it is a link to {os.readlink(name)}, which is not there") from None
        return
    except OSError as error:
        raise ValueError(f"cannot write {name}: {error.strerror or error}") from None
    if not stat.S_ISREG(mode) or _is_a_stream(name):
        what = "a stream of this process" if stat.S_ISREG(mode) else kind_of(mode)
        raise ValueError(f"cannot write {name}: it is {what}; give the name of a file")


def _is_a_stream(name: Path) -> bool:
    """/dev/stdout and the like, also if it is a regular file now: a replaced file is no longer the one that is open."""
    while not (in_proc := os.path.realpath(name.parent).startswith("/proc/")) and name.is_symlink():
        name = name.parent / os.readlink(name)
    return in_proc

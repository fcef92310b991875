"""Output files that the user names: `report -o`, `export -o`, `judge -o` and the like."""

import os
import stat
from pathlib import Path

from grokscope.runs.store.atomic import kind_of, write_atomic


def write_output(path: str | Path, data: bytes) -> Path:
    """Writes a file that the user named, atomically, and returns its path; makes its folder. ValueError as in
    `require_output`; StoreError for a link in a pack or a study."""
    named = Path(path)
    require_output(named)
    # Outside a store a link is the user's own: its target is replaced, and the link stays.
    of_store = any((named.parent / name).exists() for name in ("pack.json", "plan.json"))
    write_atomic(named if of_store else Path(os.path.realpath(named)), data)
    return named


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

"""Files that the user names for what a command writes: `report -o`, `export -o`, `judge -o` and the like."""

import os
import stat
from pathlib import Path

from grokscope.runs.store.atomic import kind_of, write_atomic


def write_output(path: str | Path, data: bytes) -> Path:
    """Writes a file that the user named, atomically, and returns its path; makes its folder. ValueError as
    `require_output` says; StoreError where it lies in a pack or a study and is a link there."""
    written = Path(path)
    require_output(written)
    # Outside a store a link is the user's own: the file that it leads to is replaced, and the link stays.
    of_store = any((written.parent / name).exists() for name in ("pack.json", "plan.json"))
    write_atomic(written if of_store else Path(os.path.realpath(written)), data)
    return written


def require_output(path: str | Path) -> None:
    """ValueError unless a file can be written under this name: where there is nothing yet, or a regular file, also
    through links. A device, a pipe or a folder is never replaced, and never written to."""
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
    """/dev/stdout and the like, also where it is a regular file now: replaced, it would no longer be what is open."""
    while not (found := os.path.realpath(name.parent).startswith("/proc/")) and name.is_symlink():
        name = name.parent / os.readlink(name)
    return found

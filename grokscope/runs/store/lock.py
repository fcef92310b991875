"""One writer a pack: an advisory lock that the operating system drops when its holder dies, however it dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grokscope.errors import StoreError
from grokscope.runs.store.atomic import clear_errors, make_folder


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Be the pack's one writer inside the `with` block; StoreError where another process (or thread) is."""
    path = folder / "lock"
    with clear_errors(path):
        make_folder(folder)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)  # the file stays: removing it would let two writers lock two files of one name


def is_held(folder: Path) -> bool:
    """Whether a living process writes the pack. Never creates a file."""
    import fcntl

    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int, path: Path) -> None:
    import fcntl

    with clear_errors(path):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StoreError(
                f"{path.parent} is being written by process {holder}; wait for it, stop it, or choose another store"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)

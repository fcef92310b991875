"""One writer a pack: an advisory lock that the operating system releases however its holder dies.

While a folder is held, every write into it checks that it is still the locked folder (atomic.clear_errors).
"""

import errno
import os
import platform
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from grokscope.errors import StoreError
from grokscope.runs.store.atomic import ASIDE, HELD, clear_errors, inode, kind_of, make_folder, refuse_links

# Opens no link, and does not wait for the other end of a pipe.
_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
# The file beside the lock on a system without advisory locks.
MARKER = "lock.held"
# Ends of the names of files that are written in place: a hard link would change with them.
_IN_PLACE = (".jsonl", "lock")


@contextmanager
def hold(folder: Path, *, store: Path | None = None) -> Iterator[None]:
    """Be the folder's one writer inside the `with` block; StoreError if another process (or thread) is.

    store: StoreError for a link below this folder; links above it are the user's own affair. By default the folder that
    holds `folder`.
    """
    path = folder / "lock"
    refuse_links(path, folder.parent if store is None else store)
    with clear_errors(path):
        make_folder(folder)
        _require_plain(folder)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _AS_IT_IS, 0o666)
    with ExitStack() as until_end:
        until_end.callback(os.close, descriptor)  # the file stays: two writers could lock two files of one name
        _lock(descriptor, path, until_end)
        with clear_errors(path):
            os.utime(folder)  # from here on no catalogue believes what it knew of the pack (finished.py)
        HELD[folder] = inode(os.stat(folder)), inode(os.fstat(descriptor))
        try:
            yield
        finally:
            del HELD[folder]


def is_held(folder: Path) -> bool:
    """Whether a living process writes the pack. Never creates a file."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY | _AS_IT_IS)
    except OSError:
        return False
    with ExitStack() as until_end:
        until_end.callback(os.close, descriptor)
        try:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: others may ask at the same time
        except BlockingIOError:
            return True
        except (ImportError, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.ENOSYS:
                raise
            return (folder / MARKER).exists() and not _alone(descriptor, folder, until_end)
        return False


def _lock(descriptor: int, path: Path, until_end: ExitStack) -> None:
    with clear_errors(path):
        if not _alone(descriptor, path.parent, until_end):
            raise StoreError(
                f"{path.parent} is being written by process {_holder(descriptor, path.parent)}; wait for it, stop it, "
                "or choose another store"
            ) from BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"{os.getpid()}\n{platform.node()}".encode(errors="replace"))


def _holder(descriptor: int, folder: Path) -> str:
    """The number of the process that holds the lock, and its machine if it is another one."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    number, _, machine = os.read(descriptor, 512).decode(errors="replace").strip().partition("\n")
    if machine in ("", platform.node()):
        return number or "unknown"
    marked = f" (if that machine is gone, remove {folder / MARKER})" if (folder / MARKER).exists() else ""
    return f"{number} on {machine}{marked}"


def _alone(descriptor: int, folder: Path, until_end: ExitStack) -> bool:
    """Takes the lock until the end of the stack, and returns True; False if somebody else has it."""
    from filelock import SoftFileLock, Timeout, lock_descriptor

    try:
        return lock_descriptor(descriptor, blocking=False)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
    try:  # a system without such locks: a file that names the holder; if that process is gone, the next removes it
        until_end.enter_context(SoftFileLock(folder / MARKER, blocking=False))
    except Timeout:
        return False
    return True


def _require_plain(folder: Path) -> None:
    """StoreError for anything in the folder, at any depth, that is neither a file nor a folder, or is written in place
    and has a second name."""
    with os.scandir(folder) as scan:
        entries = list(scan)
    for entry in entries:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            _require_plain(Path(entry.path))
        elif not stat.S_ISREG(status.st_mode):
            raise StoreError(f"{entry.path} is {kind_of(status.st_mode)}, not a file: nothing is written; {ASIDE}")
        elif status.st_nlink > 1 and entry.name.endswith(_IN_PLACE):
            raise StoreError(f"{entry.path} has several names (hard links), and would change under all; {ASIDE}")

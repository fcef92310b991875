"""One writer a pack: an advisory lock that the operating system drops when its holder dies, however it dies.

While a folder is held, every write into it checks that it is still the folder that was locked (atomic.clear_errors).
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from grokscope.errors import StoreError
from grokscope.runs.store.atomic import ASIDE, HELD, clear_errors, inode, kind_of, make_folder, refuse_links

# Not through a link, and not waiting for whoever is at the other end of a pipe.
_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
# Stands beside the lock where the system has none of its own.
MARKER = "lock.held"
# Written in place: under a second name (a hard link) another file would change with them.
_IN_PLACE = (".jsonl", "lock")


@contextmanager
def hold(folder: Path, *, store: Path | None = None) -> Iterator[None]:
    """Be the folder's one writer inside the `with` block; StoreError where another process (or thread) is.

    store: the folder above which links are the user's own affair; by default the one that `folder` lies in. StoreError
    where anything below it is a link.
    """
    path = folder / "lock"
    refuse_links(path, folder.parent if store is None else store)
    with clear_errors(path):
        make_folder(folder)
        _require_plain(folder)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _AS_IT_IS, 0o666)
    with ExitStack() as held:
        held.callback(os.close, descriptor)  # the file stays: removing it would let two writers lock files of one name
        _lock(descriptor, path, held)
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
    with ExitStack() as held:
        held.callback(os.close, descriptor)
        try:
            import fcntl
        except ImportError:
            return (folder / MARKER).exists() and not _alone(descriptor, folder, held)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: who asks does not keep others from asking
        except BlockingIOError:
            return True
        return False


def _lock(descriptor: int, path: Path, held: ExitStack) -> None:
    with clear_errors(path):
        if not _alone(descriptor, path.parent, held):
            os.lseek(descriptor, 0, os.SEEK_SET)
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise StoreError(
                f"{path.parent} is being written by process {holder}; wait for it, stop it, or choose another store"
            ) from BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, str(os.getpid()).encode())


def _alone(descriptor: int, folder: Path, held: ExitStack) -> bool:
    """Takes the lock until `held` ends, unless somebody else has it."""
    from filelock import SoftFileLock, Timeout, lock_descriptor

    try:
        return lock_descriptor(descriptor, blocking=False)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
    try:  # a system without such locks: a file that says who has it, removed by the next where its process is gone
        held.enter_context(SoftFileLock(folder / MARKER, blocking=False))
    except Timeout:
        return False
    return True


def _require_plain(folder: Path) -> None:
    """StoreError for anything in the folder, at any depth, that is neither a file nor a folder, or is written in place
    and has a second name."""
    with os.scandir(folder) as found_there:
        places = list(found_there)
    for place in places:
        found = place.stat(follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            _require_plain(Path(place.path))
        elif not stat.S_ISREG(found.st_mode):
            raise StoreError(f"{place.path} is {kind_of(found.st_mode)}, not a file: nothing is written; {ASIDE}")
        elif found.st_nlink > 1 and place.name.endswith(_IN_PLACE):
            raise StoreError(
                f"{place.path} is a file of several names (hard links), and would change under all; {ASIDE}"
            )

"""Atomic writes: a reader, and a run killed at any instant, finds the old content or the new, never a part.

Nothing in a store is written through a link: a store may come from elsewhere, and files outside it are not its own.
Nothing is written into a folder that was moved after it was locked: a held folder is known by its inode, not its name.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from grokscope.errors import StoreError

MEGABYTE = 10**6
_FULL = {errno.ENOSPC: "", errno.EDQUOT: ", the quota is used up", errno.EFBIG: ", the file size limit is reached"}
_READ_ONLY = {errno.EROFS: "read-only file system", errno.EACCES: "permission denied", errno.EPERM: "not permitted"}
Inode = tuple[int, int]
ASIDE = "move it away, or replace it by a plain file or folder"
# Folder that this process has locked (lock.py) -> the inodes of the folder and of its lock.
HELD: dict[Path, tuple[Inode, Inode]] = {}


@contextmanager
def clear_errors(path: Path, needs: int | None = None) -> Iterator[None]:
    """Turn an OSError of writing `path` (of `needs` bytes, where known) into a StoreError of one line.

    Every write into a store passes here. StoreError, too, if the folder that this process holds has left its path.
    """
    for folder in path.parents:
        if folder in HELD:
            require_there(folder)
    try:
        yield
    except OSError as error:
        raise StoreError(_explain(error, path, needs)) from error


def write_atomic(path: Path, data: bytes | Callable[[BinaryIO], None], *, durable: bool = True) -> None:
    """Replace the content of `path` by `data`, or by what `data` writes into a file; a missing folder is made.

    durable: wait until data and name are on the disk. Otherwise the replacement is still atomic for other processes,
    but a power cut may lose it; that is enough for hints, such as a heartbeat.
    """
    with clear_errors(path, None if callable(data) else len(data)):
        refuse_links(path, path.parent.parent)
        make_folder(path.parent)
        temporary = temporary_beside(path)
        try:
            with open(temporary, "xb") as file:
                if callable(data):
                    data(file)
                else:
                    file.write(data)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        if durable:
            sync_folder(path.parent)


def temporary_beside(path: Path) -> Path:
    """A new name in the folder of `path`, so that a move onto `path` is a rename within one file system."""
    return path.with_name(f".{path.name}.{token_hex(4)}.tmp")


def sweep_temporaries(folder: Path) -> None:
    """Remove the temporary files of a killed writer; only for the holder of the pack's lock."""
    for path in sorted(folder.glob(".*.tmp")):
        with clear_errors(path):
            path.unlink(missing_ok=True)


def refuse_links(path: Path, above: Path) -> None:
    """StoreError if `path`, or a folder between `above` and it, is a symbolic link or neither a file nor a folder (a
    device, a pipe)."""
    for place in (path, *path.parents):
        if place == above or above not in place.parents:
            return
        try:
            mode = os.lstat(place).st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISLNK(mode):
            raise StoreError(
                f"{place} is a link to {os.readlink(place)}: a store is not written through links; {ASIDE}"
            )
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise StoreError(f"{place} is {kind_of(mode)}, not a file; {ASIDE}")


def kind_of(mode: int) -> str:
    """What a path that is no regular file is, in words; mode: st_mode."""
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def inode(status: os.stat_result) -> Inode:
    return status.st_dev, status.st_ino


def require_there(folder: Path) -> None:
    """StoreError unless a held folder and its lock are still those that were locked."""
    before = HELD[folder]
    try:
        now = inode(os.stat(folder)), inode(os.lstat(folder / "lock"))
    except OSError:
        now = None
    if now != before:
        what = folder if now is None or now[0] != before[0] else folder / "lock"
        raise StoreError(
            f"{what} was moved, removed or replaced while this process wrote to {folder}; nothing more is written. Put "
            "it back, or start the same command again with its new place as --store (`run` with --resume)"
        ) from OSError(errno.ESTALE, os.strerror(errno.ESTALE))


def make_folder(folder: Path) -> None:
    """mkdir -p that survives a power cut: each folder that gains a name is synced. A held folder is never remade."""
    if folder.is_dir():
        return
    if folder in HELD:
        require_there(folder)
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def move_aside(path: Path, target: Path) -> Path:
    """Moves a file or a folder, and returns where it lies; a name that is taken there gets a number."""
    number, free = 0, target
    while os.path.lexists(free):
        number += 1
        free = target.with_name(f"{target.name}.{number}")
    with clear_errors(free):
        make_folder(free.parent)
        os.rename(path, free)
        sync_folder(free.parent)
        sync_folder(path.parent)
    return free


def sync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync a folder; there is nothing more to do
            raise
    finally:
        os.close(descriptor)


def _explain(error: OSError, path: Path, needs: int | None) -> str:
    if error.errno in _FULL:
        needed = "" if needs is None else f"needs {needs / MEGABYTE:.1f} MB, "
        free = f"{_free_bytes(path) / MEGABYTE:.1f} MB free"
        return (
            f"the disk is full while writing {path} ({needed}{free}{_FULL[error.errno]}); "
            "free some space and start the same command again (`run` with --resume)"
        )
    if error.errno in _READ_ONLY:
        return (
            f"cannot write to {path.parent}: read-only ({_READ_ONLY[error.errno]}); choose a folder that you can write"
        )
    return f"cannot write {path}: {error.strerror or error}"


def _free_bytes(path: Path) -> int:
    existing = next(folder for folder in path.absolute().parents if folder.is_dir())
    return shutil.disk_usage(existing).free

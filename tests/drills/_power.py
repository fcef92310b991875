"""A disk that loses power: of what was written only what was synced is sure to be there.

What was not synced may be there whole, in part, as zeros, or not at all, each file and each name for itself: POSIX
promises no order. `Disk` notes what `os.fsync` makes sure, of files their content, of folders their names, and `after`
builds the folder as it may be found when the power is back.
"""

import os
import random
import stat
from contextlib import suppress
from pathlib import Path

Entry = tuple[int, int]  # device and inode


class Cut(BaseException):
    """The power is gone; no line of the program runs any more."""


class Disk:
    """root: a folder that is not there yet. Used as a context it takes the place of os.fsync. at: the number of the
    call at which the power goes, before it takes effect or after it; then `after` has what is found."""

    def __init__(self, root: Path, after: Path, at: float, draw: random.Random) -> None:
        self.root, self.after, self.at, self.calls, self._draw = root, after, at, 0, draw
        self._contents: dict[Entry, bytes] = {}
        self._names: dict[Entry, dict[str, Entry]] = {}
        self._held: dict[Entry, int] = {}  # descriptors: an inode that is held is not given to another file
        self._fsync = os.fsync

    def __enter__(self) -> "Disk":
        os.fsync = self._synced
        return self

    def __exit__(self, *_: object) -> None:
        os.fsync = self._fsync
        for descriptor in self._held.values():
            os.close(descriptor)

    def _synced(self, descriptor: int) -> None:
        if self.calls >= self.at:  # what Python does to clean up, it does not do without power
            raise Cut
        self.calls += 1
        if self.calls < self.at or self._draw.random() < 0.5:
            self._note(descriptor)
        if self.calls == self.at:
            self._found()
            raise Cut

    def _note(self, descriptor: int) -> None:
        about = os.fstat(descriptor)
        entry = (about.st_dev, about.st_ino)
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        self._held.setdefault(entry, os.dup(descriptor))
        if stat.S_ISDIR(about.st_mode):
            self._names[entry] = _names(path)
        else:
            self._contents[entry] = path.read_bytes()

    def _found(self) -> None:
        """Builds the folder: what was synced, and of the rest what chance left."""
        sure = self._names.get(_entry(self.root.parent), {})
        if self.root.exists() and (self.root.name in sure or self._draw.random() < 0.5):
            self._folder(self.root, self.after)

    def _folder(self, folder: Path, target: Path) -> None:
        target.mkdir()
        now, sure = _names(folder), self._names.get(_entry(folder), {})
        there = {entry: folder / name for name, entry in now.items()}
        for name in sorted(now.keys() | sure.keys()):
            entry = self._draw.choice([sure.get(name), now.get(name)])
            if entry is None:
                continue
            path = there.get(entry)
            if path is not None and path.is_dir():
                self._folder(path, target / name)
            elif (content := self._content(entry, path)) is not None:
                (target / name).write_bytes(content)

    def _content(self, entry: Entry, path: Path | None) -> bytes | None:
        sure = self._contents.get(entry)
        if path is None:  # the name is that of a file that was replaced or removed
            return sure
        now = path.read_bytes()
        kept = sure if sure is not None and now.startswith(sure) else b""
        more = now[len(kept) :]
        torn = kept + more[: self._draw.randrange(len(more) + 1)]
        zeros = torn + bytes(len(now) - len(torn))
        return self._draw.choice([b"" if sure is None else sure, now, torn, zeros])


def _names(folder: Path) -> dict[str, Entry]:
    found = {}
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            found[path.name] = _entry(path)
    return found


def _entry(path: Path) -> Entry:
    about = path.stat()
    return about.st_dev, about.st_ino

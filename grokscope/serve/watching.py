"""Tells pages that something changed. One task looks at sizes and times of files, and reads none of them."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.concurrency import run_in_threadpool

EVERY = 0.6  # how often files are looked at [s]; a point is to be on the page within 2 s
MOST = 300  # streams at a time; each takes a few kilobytes
LIST = ""  # the name of the list of runs
LISTED = 4  # the list is looked at every so many turns
OF_PACK = ("journal.jsonl", "events.jsonl", "status.json", "metrics")
OF_LIST = ("", ".labels/labels.json", ".trash", "studies")


class Full(Exception):
    """There are as many streams as may be."""


class Listener:
    """One stream: the names of packs that changed since it was last asked; at most as many as it follows."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self.ended = False
        self._changed: set[str] = set()
        self._wake = asyncio.Event()

    def tell(self, changed: Iterable[str]) -> None:
        """Keeps those of the names that it follows until it is asked."""
        if mine := self.names.intersection(changed):
            self._changed |= mine
            self._wake.set()

    def end(self) -> None:
        """Nothing more will be told."""
        self.ended = True
        self._wake.set()

    async def changes(self, timeout: float) -> list[str]:
        """The names that changed; empty when none did for so long [s]."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout)
        self._wake.clear()
        changed, self._changed = sorted(self._changed), set()
        return changed


class Watching:
    """Looks while somebody listens, and stops with the last one."""

    def __init__(self, store: Path, most: int = MOST) -> None:
        self.store, self.most = store, most
        self.listeners: set[Listener] = set()
        self._followed: Counter[str] = Counter()
        self._seen: dict[str, tuple[object, ...]] = {}
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listening(self, names: Iterable[str]) -> AsyncIterator[Listener]:
        """A listener for packs of these names, or for LIST."""
        if len(self.listeners) >= self.most:
            raise Full
        listener = Listener(names)
        new = {name: self._look(name) for name in listener.names if name not in self._seen}
        self._seen |= new
        self._followed.update(listener.names)
        self.listeners.add(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            yield listener
        finally:
            self.listeners.discard(listener)
            self._followed.subtract(listener.names)
            for name in listener.names:
                if self._followed[name] <= 0:
                    del self._followed[name]
                    self._seen.pop(name, None)

    def close(self) -> None:
        """Ends all streams, as the server ends."""
        self.most = 0
        for listener in list(self.listeners):
            listener.end()

    async def _run(self) -> None:
        turn = 0
        while self.listeners:
            await asyncio.sleep(EVERY)
            turn += 1
            names = [name for name in self._followed if name != LIST or turn % LISTED == 0]
            now = await run_in_threadpool(lambda names=names: {name: self._look(name) for name in names})
            changed = {name for name, seen in now.items() if name in self._seen and self._seen[name] != seen}
            self._seen |= {name: seen for name, seen in now.items() if name in self._followed}
            for listener in list(self.listeners) if changed else ():
                listener.tell(changed)

    def _look(self, name: str) -> tuple[object, ...]:
        if name != LIST:
            return tuple(stamp(self.store / name / file) for file in OF_PACK)
        seen = [stamp(self.store / file) for file in OF_LIST]
        try:
            with os.scandir(self.store) as entries:
                packs = [entry.path for entry in entries if entry.name[0] != "."]
        except OSError:
            packs = []
        return (*seen, *(stamp(Path(f"{pack}/status.json")) for pack in packs))


def stamp(path: str | Path) -> tuple[int, int, int] | None:
    """What tells that a file has changed: its time, its size and its place; None where there is none."""
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino

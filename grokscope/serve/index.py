"""The runs of a store as the pages list them, kept in memory: only packs with a changed file are read again."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.keeping import labels
from grokscope.runs.listing import differing_fields, of_pack, summaries
from grokscope.runs.store.catalogue import written
from grokscope.runs.store.documents import is_name, read_pack
from grokscope.runs.store.lock import is_held
from grokscope.runs.store.tables import descriptions
from grokscope.serve.watching import stamp

FILES = ("pack.json", "status.json", "events.jsonl", "journal.jsonl")
MANY = 64  # packs that are read faster all at once: the catalogue has the finished ones
REST = 2.0  # a pack that is being written is read at most so often [s]
AGAIN = 0.5  # the store is looked through at most so often [s]
COMPARED = 1_000  # runs whose configs are compared

Signature = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A run that the store has. about: the pack.json of its pack."""

    id: str
    folder: Path
    replica: int
    about: Mapping[str, Any]

    @property
    def config(self) -> dict[str, Any]:
        """Its fields; empty where they are not known."""
        return self.about["runs"][self.replica]["config"] or {}


@dataclass(kw_only=True)
class Entry:
    """A pack. problem: why it cannot be read."""

    folder: Path
    signature: Signature
    read_at: float
    written: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""

    @property
    def active(self) -> bool:
        """Whether it was being trained when it was read."""
        return any(row["state"] == "running" for row in self.rows)


class Index:
    """What the store has; every method looks first whether something changed."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self._entries: dict[str, Entry] = {}
        self._runs: dict[str, tuple[str, int]] = {}
        self._lock = Lock()
        self._looked = -AGAIN
        self.behind = False  # whether a pack changed that was read a moment ago

    def find(self, run: str) -> Found | None:
        """The run with this id; None where there is none. No path is made of the text."""
        self._refresh()
        pack, replica = self._runs.get(run, ("", 0))
        entry = self._entries.get(pack)
        if entry is None or run not in self._runs:
            return None
        return Found(id=run, folder=entry.folder, replica=replica, about=entry.about)

    def rows(self) -> list[dict[str, Any]]:
        """A row a run, the newest pack first, in plain JSON types."""
        self._refresh()
        known = self._labels()[0]
        entries = sorted(self._entries.values(), key=lambda entry: -entry.written)
        return [
            _row(row, entry, replica, known.get(row["run"], {}))
            for entry in entries
            for replica, row in enumerate(entry.rows)
        ]

    def row(self, found: Found) -> dict[str, Any]:
        """The row of one run, as it is at this moment."""
        with self._lock:
            entry, signature = self._entries.get(found.folder.name), _signature(found.folder)
            if entry is None:
                raise StoreError(f"run {found.id} was removed a moment ago")
            if entry.signature != signature or _abandoned(entry):
                fresh = _read(found.folder, signature)
                entry = self._entries[found.folder.name] = fresh if fresh.rows else entry
        return _row(entry.rows[found.replica], entry, found.replica, self._labels()[0].get(found.id, {}))

    def forget(self) -> None:
        """Looks again at the next question, as something was just changed."""
        self._looked = -AGAIN

    def problems(self) -> list[str]:
        """Why packs are left out, and names of runs."""
        self._refresh()
        return [*(entry.problem for entry in self._entries.values() if entry.problem), *self._labels()[1]]

    def differing(self, runs: list[str]) -> dict[str, dict[str, Any]]:
        """Field -> run -> value, of the fields of the config in which these runs differ."""
        found = [one for one in map(self.find, runs[:COMPARED]) if one is not None]
        return differing_fields({one.id: one.config for one in found})

    def _labels(self) -> tuple[dict[str, dict[str, Any]], list[str]]:
        try:
            return labels(self.store), []
        except StoreError as error:
            return {}, [str(error)]

    def _refresh(self) -> None:
        with self._lock:
            if time.monotonic() - self._looked < AGAIN:
                return
            found = self._changed()
            if len(found) > MANY:
                self._read_all(found)
            else:
                for folder, signature in found.items():
                    self._entries[folder.name] = _read(folder, signature)
            self._runs = {
                run["run"]: (name, replica)
                for name, entry in self._entries.items()
                if entry.rows
                for replica, run in enumerate(entry.about["runs"])
            }
            self._looked = time.monotonic()

    def _changed(self) -> dict[Path, Signature]:
        """The packs that are new or have changed, with their signatures; those that are gone are dropped."""
        try:
            names = [name for name in os.listdir(self.store) if name[0] != "." and is_name(name)]
        except OSError as error:
            raise StoreError(f"no store at {self.store}: {error.strerror}") from error
        self.behind = False
        found, there, now = dict[Path, Signature](), set[str](), time.monotonic()
        for name in names:
            folder = self.store / name
            signature = _signature(folder)
            if signature[0] is None:
                continue
            there.add(name)
            entry = self._entries.get(name)
            if entry is not None and entry.signature == signature and not _abandoned(entry):
                continue
            if entry is None or now - entry.read_at >= REST:
                found[folder] = signature
            else:
                self.behind = True
        for gone in self._entries.keys() - there:
            del self._entries[gone]
        return found

    def _read_all(self, found: Mapping[Path, Signature]) -> None:
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in summaries(self.store):
            rows.setdefault(Path(row["dir"]).name, []).append(row)
        abouts = {folder.name: about for folder, about in descriptions(self.store)}
        now = time.monotonic()
        for folder, signature in found.items():
            own = rows.get(folder.name, [])
            try:
                about = abouts.get(folder.name) or read_pack(folder)
            except StoreError:
                about = {"runs": ()}
            if len(own) != len(about["runs"]) or not own:
                self._entries[folder.name] = _read(folder, signature)  # damaged, or written meanwhile
            else:
                self._entries[folder.name] = Entry(
                    folder=folder, signature=signature, read_at=now, written=written(folder), about=about, rows=own
                )


def _read(folder: Path, signature: Signature) -> Entry:
    entry = Entry(folder=folder, signature=signature, read_at=time.monotonic(), written=written(folder))
    try:
        entry.about, entry.rows = read_pack(folder), of_pack(folder)
    except StoreError as error:
        entry.problem = str(error)
    return entry


def _row(row: Mapping[str, Any], entry: Entry, replica: int, label: Mapping[str, Any]) -> dict[str, Any]:
    config = entry.about["runs"][replica]["config"] or {}
    own = {name: config.get(name) for name in ("task", "model", "seed", "max_steps")}
    kept = {"name": label.get("name") or "", "tags": list(label.get("tags", ())), "note": label.get("note", "")}
    return {
        **row,
        **own,
        **kept,
        "pack": entry.folder.name,
        "together": len(entry.rows),
        "written": entry.written / 1e9,
    }


def _abandoned(entry: Entry) -> bool:
    """Whether the writer of a pack was killed since it was read: no file tells."""
    return entry.active and not is_held(entry.folder)


def _signature(folder: Path) -> Signature:
    return tuple(stamp(f"{folder}/{file}") for file in FILES)

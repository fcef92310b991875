"""A store on any URL that fsspec knows (s3://, gs://, memory://, ...), mirrored in a folder of each machine.

Objects cannot be appended to, locked or mapped into memory. So everything works on the mirror, a store like any other;
packs that others have finished are fetched when it is opened, and a pack is sent when its resume point is saved (at
most once a minute), when it is done, and when more has been measured of it.

    store = opened("s3://bucket/runs")      # a folder
    publish(store / pack)                   # does nothing in a store that mirrors nothing

A pack whose machine is lost is gone on with elsewhere from what was sent last. There is no lock between machines: who
hands out packs gives each to one of them, and two that train the same write the same.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.store.events import FINISHED, finished_at

ADDRESS = ".url"  # in a mirror's folder: what it mirrors
SECONDS = 60.0  # between two sendings of a pack that is being trained
# Sent in this order, whatever else first, so that what a killed machine leaves can be gone on with: rows before the
# resume point that stands after them, and the end of a pack last of all.
_ORDER = ("metrics/", "checkpoints/", "journal.jsonl", "resume.safetensors", "pack.json", "events.jsonl")
_sent: dict[Path, float] = {}


def is_url(store: str | Path) -> bool:
    """Whether a store is named by a URL."""
    return isinstance(store, str) and "://" in store


def opened(store: str | Path, *, only: str | None = None) -> Path:
    """The folder of a store: of a URL its mirror, with what others have finished. only: of one pack alone.

    StoreError, one line, where the URL cannot be reached.
    """
    if not is_url(store):
        return Path(store)
    url = str(store).rstrip("/")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = cache / "grokscope" / sha256(url.encode()).hexdigest()[:16]
    root.mkdir(parents=True, exist_ok=True)
    (root / ADDRESS).write_text(url, encoding="utf-8")
    with _errors(url):
        system, base = _system(url)
        found = (
            {only} if only else _names(system, base) | {f"studies/{name}" for name in _names(system, f"{base}/studies")}
        )
        for name in sorted(found - {"studies"}):
            _fetch(system, f"{base}/{name}", root / name)
    return root


def address(store: Path) -> str:
    """What other machines know a store by: its URL, or its absolute path."""
    mirrored = store / ADDRESS
    return mirrored.read_text(encoding="utf-8") if mirrored.exists() else str(store.absolute())


def publish(folder: Path, *, rarely: bool = False) -> None:
    """Sends a pack's or a study's folder of a mirror to where it belongs. rarely: at most once in SECONDS."""
    root = next((place for place in list(folder.parents)[:2] if (place / ADDRESS).exists()), None)
    if root is None or (rarely and time.monotonic() - _sent.get(folder, -SECONDS) < SECONDS):
        return
    url = address(root)
    with _errors(url):
        system, base = _system(url)
        _send(system, folder, f"{base}/{folder.relative_to(root).as_posix()}")
    _sent[folder] = time.monotonic()


def _send(system: Any, folder: Path, there: str) -> None:
    here = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if _travels(path)}
    known = _sizes(system, there)
    for name, path in sorted(here.items(), key=lambda item: _place(item[0])):
        # Segments and checkpoints never change once they have their name.
        if not (name.startswith(("metrics/", "checkpoints/")) and known.get(name) == path.stat().st_size):
            system.makedirs(f"{there}/{name}".rpartition("/")[0], exist_ok=True)
            system.pipe_file(f"{there}/{name}", path.read_bytes())
    for name in known.keys() - here.keys():
        system.rm_file(f"{there}/{name}")


def _fetch(system: Any, there: str, folder: Path) -> None:
    """What is not here of a finished pack; all of a pack that is not here, or that others have brought to its end."""
    known = _sizes(system, there)
    begun = (folder / "pack.json").exists()
    if not known or (begun and finished_at(folder) is None and not _finished(system, there, known)):
        return
    if begun and finished_at(folder) is None:
        rmtree(folder)
    for name in sorted(known, key=_place):
        path = folder / name
        if not path.exists() or (not begun and path.suffix == ".json"):
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f".{path.name}.fetched.tmp")
            new.write_bytes(system.cat_file(f"{there}/{name}"))
            new.replace(path)


def _finished(system: Any, there: str, known: dict[str, int]) -> bool:
    if "events.jsonl" not in known:
        return False
    lines = system.cat_file(f"{there}/events.jsonl").decode().splitlines()
    return any(json.loads(line).get("event") == FINISHED for line in lines if line.endswith("}"))


def _sizes(system: Any, there: str) -> dict[str, int]:
    """Name of a file below a folder there -> its size; nothing where there is no such folder."""
    try:
        found = system.find(there, detail=True)
    except FileNotFoundError:
        return {}
    start = len(system._strip_protocol(there).rstrip("/")) + 1
    return {path[start:]: about["size"] for path, about in found.items() if about.get("type", "file") == "file"}


def _names(system: Any, there: str) -> set[str]:
    try:
        return {path.rstrip("/").rpartition("/")[2] for path in system.ls(there, detail=False)}
    except FileNotFoundError:
        return set()


def _travels(path: Path) -> bool:
    return path.is_file() and path.name != "lock" and not path.name.startswith(".")


def _place(name: str) -> tuple[int, str]:
    return next((place for place, start in enumerate(_ORDER) if name.startswith(start)), -1), name


def _system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    return url_to_fs(url)


@contextmanager
def _errors(url: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        raise StoreError(f"cannot reach the store {url}: {' '.join(str(error).split())}") from error

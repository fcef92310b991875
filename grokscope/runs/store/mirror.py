"""A store at any URL that fsspec knows (s3://, gs://, memory://, ...), mirrored in a folder of each machine.

Objects cannot be appended to, locked or mapped into memory. So everything works on the mirror, a store like any other.
Finished packs of others are fetched when the mirror is opened. A pack is sent when its resume point is saved (at most
once a minute), when it is done, and when more of it has been measured.

    store = opened("s3://bucket/runs")      # a folder
    publish(store / pack)                   # does nothing in a store that is no mirror

What could not be sent of a finished pack is noted, and sent when the store is opened again on the same machine. If the
machine of a pack is lost, another one continues from what was sent last. There is no lock between machines: the
planner gives each pack to one machine, and two machines that train the same pack write the same.

A store is data, never an instruction: a folder is a mirror only if it lies where this module makes mirrors, under the
name of its URL. Names from elsewhere that lead out of a pack's folder are not followed. At the URL nothing is removed
but what was sent from here or fetched from there (`_remember`).
"""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.store import jsonl
from grokscope.runs.store.atomic import clear_errors, write_atomic
from grokscope.runs.store.events import FINISHED, checked_events, finished_at, is_finished
from grokscope.runs.store.lock import is_held

ADDRESS = ".url"  # in a mirror's folder: its URL
_SENT = ".sent"  # in a mirror's folder: for each pack and study, the names of its files that are there and here
_OWED = ".owed"  # end of a file there: the pack of this name has what was not sent yet
_FIXED = "metrics/", "checkpoints/"  # what never changes under a name
SECONDS = 60.0  # between two sendings of a pack in training
# The order of sending, all other files first. Then another machine can continue after a crash: rows come before the
# resume point that follows them, and the end of a pack comes last.
_ORDER = ("metrics/", "checkpoints/", "journal.jsonl", "resume.safetensors", "pack.json", "events.jsonl")
_sent: dict[Path, float] = {}


def is_url(store: str | Path) -> bool:
    """Whether a store is named by a URL."""
    return isinstance(store, str) and "://" in store


def opened(store: str | Path, *, only: str | None = None) -> Path:
    """The folder of a store; for a URL its mirror, with the packs that others have finished. only: fetch this pack
    alone.

    StoreError, one line, if the URL cannot be reached.
    """
    if not is_url(store):
        return Path(store)
    url = str(store).rstrip("/")
    root = _mirrors() / _name(url)
    with clear_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        (root / ADDRESS).write_text(url, encoding="utf-8")
    with _errors(url):
        system, base = _system(url)
        names = {only} if only else _names(system, base) - {"studies"}
        studies = set() if only else {f"studies/{name}" for name in _names(system, f"{base}/studies")}
        for name in sorted(names | studies):
            if _leads_nowhere(name):
                _fetch(system, f"{base}/{name}", root, name)
        for name in sorted(_owed(root) & ({only} if only else _owed(root))):
            _send(system, f"{base}/{name}", root, name)
    return root


def address(store: Path) -> str:
    """The address of a store for other machines: its URL, or its absolute path."""
    return _mirrored(store) or str(store.absolute())


def publish(folder: Path, *, rarely: bool = False) -> None:
    """Sends a pack's or a study's folder of a mirror to its URL. rarely: at most once in SECONDS.

    StoreError, one line, if that fails; it says when the rest of a finished pack is sent.
    """
    root, url = next(((place, url) for place in list(folder.parents)[:2] if (url := _mirrored(place))), (None, ""))
    if root is None or (rarely and time.monotonic() - _sent.get(folder, -SECONDS) < SECONDS):
        return
    name = folder.relative_to(root).as_posix()
    later = f"; {folder} is whole, and is sent by the next command on this store" if is_finished(folder) else ""
    with _errors(url, later):
        system, base = _system(url)
        _send(system, f"{base}/{name}", root, name)
    _sent[folder] = time.monotonic()


def _mirrors() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "grokscope"


def _name(url: str) -> str:
    return sha256(url.encode()).hexdigest()[:16]


def _mirrored(store: Path) -> str | None:
    """The URL that a folder mirrors; None if this module did not make the folder."""
    try:
        if store.resolve().parent != _mirrors().resolve():
            return None
        url = (store / ADDRESS).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return url if store.resolve().name == _name(url) else None


def _leads_nowhere(name: str) -> bool:
    """Whether a name from elsewhere stays within its folder, and is not hidden there."""
    return all(part and part[0] != "." and "\\" not in part and "\0" not in part for part in name.split("/"))


def _remembered(root: Path, name: str) -> set[str]:
    try:
        lines = (root / _SENT / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return set()
    return set(filter(_leads_nowhere, lines))


def _remember(root: Path, name: str, files: Collection[str]) -> None:
    """Notes the files of a pack or a study that were sent from here, or fetched from there."""
    write_atomic(root / _SENT / f"{name}.txt", "\n".join(sorted(files)).encode(), durable=False)


def _owed(root: Path) -> set[str]:
    """The finished packs of which something was not sent. One in training is not among them: another machine may have
    gone on with it, and knows more. One that is written now is sent by its writer."""
    names = {path.name.removesuffix(_OWED) for path in (root / _SENT).glob(f"*{_OWED}")}
    return {name for name in names if is_finished(root / name) and not is_held(root / name)}


def _send(system: Any, there: str, root: Path, name: str) -> None:
    folder, owed = root / name, root / _SENT / f"{name}{_OWED}"
    write_atomic(owed, b"", durable=False)
    here = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock" and not path.name.startswith(".")
    }
    known, ours = _sizes(system, there), _remembered(root, name)
    _remember(root, name, ours | here.keys())
    for file, path in sorted(here.items(), key=lambda item: _place(item[0])):
        if not (file.startswith(_FIXED) and known.get(file) == path.stat().st_size):
            system.makedirs(f"{there}/{file}".rpartition("/")[0], exist_ok=True)
            system.pipe_file(f"{there}/{file}", path.read_bytes())
    for file in (known.keys() & ours) - here.keys():
        system.rm_file(f"{there}/{file}")
    _remember(root, name, here.keys())
    owed.unlink(missing_ok=True)


def _fetch(system: Any, there: str, root: Path, name: str) -> None:
    """Fetches the missing files of a finished pack, and the whole of a pack that is missing here or that others have
    finished."""
    folder, known = root / name, _sizes(system, there)
    begun = (folder / "pack.json").exists()
    ended = begun and _ended(folder)
    if not {"pack.json", "plan.json"} & known.keys() or (begun and not ended and not _finished(system, there, known)):
        return
    if begun and not ended:
        rmtree(folder)
    for file in sorted(known, key=_place):
        path = folder / file
        # Of a fetch that was cut off, all that may have changed since is fetched again.
        changes = path.suffix == ".json" or not (file.startswith(_FIXED) or name.startswith("studies/"))
        if not path.exists() or (not begun and changes):
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f".{path.name}.fetched.tmp")
            new.write_bytes(_body(system, f"{there}/{file}", known[file]))
            new.replace(path)
    _remember(root, name, _remembered(root, name) | known.keys())


def _body(system: Any, path: str, size: int) -> bytes:
    """The bytes of a file there; OSError if they are not as many as it has there."""
    body = system.cat_file(path)
    if len(body) != size:
        system.invalidate_cache()  # it may have grown since it was listed
        if len(body) != (size := system.info(path)["size"]):
            raise OSError(f"{len(body)} of the {size} bytes of {path} came")
    return body


def _ended(folder: Path) -> bool:
    """Whether a pack of the mirror is finished. A damaged one counts as finished and stays, for `grokscope doctor`."""
    try:
        return finished_at(folder) is not None
    except StoreError:
        return True


def _finished(system: Any, there: str, known: dict[str, int]) -> bool:
    if "events.jsonl" not in known:
        return False
    path = Path(there) / "events.jsonl"
    try:
        events = checked_events(jsonl.split(system.cat_file(f"{there}/events.jsonl"), path).body(), path)
    except StoreError:
        return False
    return any(event["event"] == FINISHED for event in events)


def _sizes(system: Any, there: str) -> dict[str, int]:
    """Name of a file below a folder there -> its size; empty if there is no such folder. Names that would lead out of
    the folder here are left out."""
    try:
        listing = system.find(there, detail=True)
    except FileNotFoundError:
        return {}
    start = len(system._strip_protocol(there).rstrip("/")) + 1
    files = {path[start:]: about["size"] for path, about in listing.items() if about.get("type", "file") == "file"}
    return {name: size for name, size in files.items() if _leads_nowhere(name)}


def _names(system: Any, there: str) -> set[str]:
    try:
        return {path.rstrip("/").rpartition("/")[2] for path in system.ls(there, detail=False)}
    except FileNotFoundError:
        return set()


def _place(name: str) -> tuple[int, str]:
    return next((place for place, start in enumerate(_ORDER) if name.startswith(start)), -1), name


def _system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    return url_to_fs(url)


@contextmanager
def _errors(url: str, more: str = "") -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the packages of protocols have errors of their own (botocore, aiohttp, azure)
        kind = "" if isinstance(error, OSError | ValueError | ImportError) else f"{type(error).__name__}: "
        raise StoreError(f"cannot reach the store {url}: {kind}{' '.join(str(error).split())}{more}") from error

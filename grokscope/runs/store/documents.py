"""Reads and writes pack.json, plan.json and status.json. Their bytes and the shape of their content are checked.

Nothing else in the program reads them, so nothing else meets a missing key or a list a thousand deep. A store is data:
no name in it may lead out of it, and no field of it makes a reader open another file.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.identity import PACK, pack_hash, run_ids
from grokscope.runs.store.atomic import write_atomic
from grokscope.runs.store.checksum import ADVICE, BLANK, intact, read_file, stamped

DEEPEST = 64  # nested lists and objects; files of grokscope have less than ten
LARGEST = 2**63  # whole numbers, as in SQL and NumPy
_CHECKSUM = "checksum"
_NAME = re.compile(r"[^/\\\0.][^/\\\0]*")  # of a run or a pack: a file name that leads to no other folder


def write_document(path: Path, about: Mapping[str, Any], *, durable: bool = True) -> None:
    """Write JSON with a checksum. The caller keeps away numbers that are not finite."""
    write_atomic(path, document(about), durable=durable)


def document(about: Mapping[str, Any]) -> bytes:
    """The bytes of a JSON object with a checksum."""
    return stamped(json.dumps({**about, _CHECKSUM: BLANK}, indent=1, default=list).encode())


def read_document(path: Path) -> tuple[dict[str, Any], bool]:
    """A JSON object, and whether it had a checksum, which then fits. FileNotFoundError, or StoreError of one line."""
    try:
        data = read_file(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
    fits = intact(data)
    if fits is False:
        raise unreadable(path, "it was changed or damaged after it was written: its checksum does not fit")
    try:
        about = parsed(data)
    except ValueError as error:
        raise unreadable(path, str(error)) from error
    if not isinstance(about, dict):
        raise unreadable(path, f"it holds a {type(about).__name__}, expected an object")
    about.pop(_CHECKSUM, None)
    return about, fits is True


def read_pack(folder: Path) -> dict[str, Any]:
    """pack.json; its "runs" have "run" and "config", and the ids are those of the configs."""
    path = folder / "pack.json"
    try:
        about, _ = read_document(path)
    except FileNotFoundError:
        raise StoreError(f"{folder} is not a run of grokscope: it has no pack.json") from None
    if wrong := _wrong(about) or _other_id(about, folder.name):
        raise unreadable(path, wrong)
    return about


def parsed(data: bytes) -> Any:
    """JSON of bounded depth; ValueError for everything else."""
    try:
        value = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if data.count(b"[") + data.count(b"{") > DEEPEST and too_deep(value):
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    return value


def too_deep(value: Any) -> bool:
    """Whether lists and objects are nested more than DEEPEST deep."""
    level = [value]
    for _ in range(DEEPEST + 1):
        items = [item for parent in level for item in (parent.values() if isinstance(parent, dict) else parent)]
        level = [item for item in items if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def is_count(value: Any) -> bool:
    """Whether it is a whole number of at least 0 that SQL and NumPy can hold."""
    return type(value) is int and 0 <= value < LARGEST


def is_name(value: Any) -> bool:
    """Whether it can be the name of a run or a pack, and leads to no other folder."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def unreadable(path: Path, reason: str) -> StoreError:
    """The error for a document, in one line."""
    return StoreError(f"{path} cannot be read: {reason}; {ADVICE}")


def _wrong(about: dict[str, Any]) -> str | None:
    """What is wrong with the shape of a pack.json."""
    runs = about.get("runs")
    if not isinstance(runs, list) or not runs:
        return 'it has no list of "runs"'
    for name, kind in (
        ("pack", str),
        ("versions", dict),
        ("device", str | None),
        ("imported", dict),
        ("watched", dict),
        ("plugins", list),
    ):
        if name in about and not isinstance(about[name], kind):
            return f"{name!r} is a {type(about[name]).__name__}"
    if not all(isinstance(run, dict) and is_name(run.get("run")) and "config" in run for run in runs):
        return 'a run has no name in "run" or no "config"'
    # The config of curves from elsewhere is not known: null.
    configs = [run["config"] for run in runs if run["config"] is not None or "imported" not in about]
    return next(filter(None, map(_wrong_config, configs)), None)


def _wrong_config(config: Any) -> str | None:
    if not isinstance(config, dict):
        return f"a config is a {type(config).__name__}, expected an object"
    if config.get("start") is not None and not isinstance(config.get("start_hash"), str):
        return "a run starts from given weights and does not say their hash"
    if any(type(value) is int and not -LARGEST <= value < LARGEST for value in config.values()):
        return "a number of a config has more than 63 bits"
    return None


def _other_id(about: dict[str, Any], folder: str) -> str | None:
    """What is wrong with the id. That of imported weights is not checked: it is a hash of the weights too."""
    pack, runs = about.get("pack", folder), about["runs"]
    if not PACK.fullmatch(pack):
        return None
    if PACK.fullmatch(folder) and pack != folder:
        return f"it is the description of pack {pack}"
    if "imported" not in about and "watched" not in about:  # the id of what was trained elsewhere is another hash
        configs = [run["config"] for run in runs]
        if all(pack != pack_hash(configs, ends=ends) for ends in (True, False)):
            true = {pack_hash(configs, ends=ends) for ends in (True, False)}
            return f"a config was changed: the configs are those of pack {' or '.join(sorted(true))}"
    if [run["run"] for run in runs] != run_ids(pack, len(runs)):
        return f"the names of its runs are not those of pack {pack}"
    return None

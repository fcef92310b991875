"""status.json: how far a pack is. A hint for people and pages; resuming never depends on it.

The outcomes of its runs, under "runs", are believed only if the file's checksum fits; otherwise the numbers are read
(`runs.outcomes`).
"""

import math
import time
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.store import jsonl
from grokscope.runs.store.documents import is_count, read_document, write_document


def write_status(folder: Path, **fields: Any) -> None:
    """Replace the pack's status by these fields and "heartbeat", the Unix time; atomic but not synced."""
    write_document(folder / "status.json", jsonl.finite({**fields, "heartbeat": time.time()}), durable=False)


def read_status(folder: Path) -> dict[str, Any]:
    """The pack's status; empty if it cannot be read, such as after a power cut (it is not synced)."""
    try:
        status, sealed = read_document(folder / "status.json")
    except (OSError, StoreError):
        return {}
    return {name: value for name, value in status.items() if _plausible(name, value, sealed)}


def _plausible(name: str, value: Any, sealed: bool) -> bool:
    if name in ("step", "max_steps"):
        return is_count(value)
    if name in ("heartbeat", "train_seconds", "measure_seconds"):
        return value is None or (type(value) in (int, float) and 0 <= value < math.inf)
    if name == "state":
        return isinstance(value, str)
    if name == "runs":
        return sealed and isinstance(value, dict) and all(isinstance(outcome, dict) for outcome in value.values())
    return sealed

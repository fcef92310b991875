"""status.json: how far a pack is. A hint for people and pages; resuming never depends on it."""

import json
import time
from pathlib import Path
from typing import Any

from grokscope.runs.store import jsonl
from grokscope.runs.store.atomic import write_atomic


def write_status(folder: Path, **fields: Any) -> None:
    """Replace the pack's status by these fields and "heartbeat", the Unix time; atomic but not synced."""
    write_atomic(folder / "status.json", jsonl.encode({**fields, "heartbeat": time.time()}), durable=False)


def read_status(folder: Path) -> dict[str, Any]:
    """The pack's status; empty where none can be read, also where a power cut spoilt it (it is not synced)."""
    try:
        status = json.loads((folder / "status.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return status if isinstance(status, dict) else {}

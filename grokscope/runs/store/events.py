"""What happened to a run, and when: memorized, onset, generalized, collapse, slingshot, non-finite, resumed."""

from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.store import jsonl
from grokscope.runs.store.checksum import ADVICE
from grokscope.runs.store.documents import is_count, too_deep

_NAME = "events.jsonl"
_FIELDS = ("run", "step", "event")
FINISHED = "finished"
RESUMED = "resumed"


def append_event(folder: Path, event: dict[str, Any]) -> None:
    """Append {"run": ..., "step": ..., "event": ..., more} to the pack's events and sync."""
    missing = set(_FIELDS) - set(event)
    if missing:
        raise ValueError(f"an event needs run, step and event; {', '.join(sorted(missing))} missing in {event}")
    jsonl.repair(folder / _NAME)
    jsonl.append(folder / _NAME, [event])


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events of a pack in the order in which they were written; a torn last line is dropped."""
    path = folder / _NAME
    return checked_events(jsonl.read_lines(path).body(), path)


def checked_events(events: list[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    """The events; StoreError where one is none. path: for the message."""
    for event in events:
        wrong = next((name for name in _FIELDS if name not in event), None)
        if wrong is not None:
            raise StoreError(f"{path} is damaged: an event has no {wrong!r}; {ADVICE}")
        texts = isinstance(event["run"], str) and isinstance(event["event"], str)
        if not texts or not is_count(event["step"]) or (len(event) > len(_FIELDS) and too_deep(event)):
            raise StoreError(f"{path} is damaged: {str(event)[:200]} is no event; {ADVICE}")
    return events


def finished_at(folder: Path) -> int | None:
    """The step at which the pack in a folder came to its end; None before."""
    return next((event["step"] for event in read_events(folder) if event["event"] == FINISHED), None)


def truncate_events_after(folder: Path, step: int) -> int:
    """Drop the events after `step` (those a resumed run will meet again); returns how many."""
    lines = jsonl.read_lines(folder / _NAME)
    kept = [event for event in read_events(folder) if event["step"] <= step]
    dropped = len(lines.body()) - len(kept)
    if lines.torn or dropped:
        replace_events(folder, kept)
    return dropped


def replace_events(folder: Path, events: list[dict[str, Any]]) -> None:
    """Replace all events of a pack, atomically."""
    jsonl.rewrite(folder / _NAME, [jsonl.encode(jsonl.HEADER), *map(jsonl.encode, events)])

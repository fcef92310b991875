"""The events of runs: memorized, onset, generalized, collapse, slingshot, non-finite, resumed, finished."""

from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.store import jsonl
from grokscope.runs.store.checksum import ADVICE
from grokscope.runs.store.documents import is_count, too_deep

_NAME = "events.jsonl"
_FIELDS = ("run", "step", "event")
# Stages of a run that are events -> where `statistics.transitions.Phases` has their step.
STAGES = {"memorized": "memorized_at", "onset": "onset_at", "generalized": "generalized_at"}
FINISHED = "finished"
RESUMED = "resumed"
NON_FINITE = "non-finite"  # the end of a replica whose loss is not finite


def append_event(folder: Path, event: dict[str, Any]) -> None:
    """Append {"run": ..., "step": ..., "event": ..., more} to the pack's events and sync."""
    if missing := set(_FIELDS) - set(event):
        raise ValueError(f"an event needs run, step and event; {', '.join(sorted(missing))} missing in {event}")
    jsonl.repair(folder / _NAME)
    jsonl.append(folder / _NAME, [event])


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events of a pack in the order of writing; a torn last line is dropped."""
    path = folder / _NAME
    return checked_events(jsonl.read_lines(path).body(), path)


def checked_events(events: list[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    """The events; StoreError if one is malformed. path: for the message."""
    for event in events:
        if missing := [name for name in _FIELDS if name not in event]:
            raise StoreError(f"{path} is damaged: an event has no {missing[0]!r}; {ADVICE}")
        texts = isinstance(event["run"], str) and isinstance(event["event"], str)
        if not texts or not is_count(event["step"]) or (len(event) > len(_FIELDS) and too_deep(event)):
            raise StoreError(f"{path} is damaged: {str(event)[:200]} is no event; {ADVICE}")
    return events


def finished_at(folder: Path) -> int | None:
    """The step at which the pack in a folder finished; None before."""
    return next((event["step"] for event in read_events(folder) if event["event"] == FINISHED), None)


def is_finished(folder: Path) -> bool:
    """A pack whose events are damaged is not: it is tried, fails with the reason, and holds up no other."""
    try:
        return finished_at(folder) is not None
    except StoreError:
        return False


def truncate_events_after(folder: Path, step: int) -> None:
    """Drop the events after `step`, which a resumed run meets again."""
    lines = jsonl.read_lines(folder / _NAME)
    events = checked_events(lines.body(), folder / _NAME)
    before = [event for event in events if event["step"] <= step]
    if lines.torn or len(before) < len(events):
        replace_events(folder, before)


def replace_events(folder: Path, events: list[dict[str, Any]]) -> None:
    """Replace all events of a pack, atomically."""
    jsonl.rewrite(folder / _NAME, [jsonl.encode(jsonl.HEADER), *map(jsonl.encode, events)])

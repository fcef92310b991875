"""What happened to a run, and when: memorized, onset, generalized, collapse, slingshot, non-finite, resumed."""

from pathlib import Path
from typing import Any

from grokscope.runs.store import jsonl

_NAME = "events.jsonl"
FINISHED = "finished"


def append_event(folder: Path, event: dict[str, Any]) -> None:
    """Append {"run": ..., "step": ..., "event": ..., more} to the pack's events and sync."""
    missing = {"run", "step", "event"} - set(event)
    if missing:
        raise ValueError(f"an event needs run, step and event; {', '.join(sorted(missing))} missing in {event}")
    jsonl.repair(folder / _NAME)
    jsonl.append(folder / _NAME, [event])


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events of a pack in the order in which they were written; a torn last line is dropped."""
    return jsonl.read_lines(folder / _NAME).records()


def finished_at(folder: Path) -> int | None:
    """The step at which the pack in a folder came to its end; None before."""
    return next((event["step"] for event in read_events(folder) if event.get("event") == FINISHED), None)


def truncate_events_after(folder: Path, step: int) -> int:
    """Drop the events after `step` (those a resumed run will meet again); returns how many."""
    lines = jsonl.read_lines(folder / _NAME)
    kept = [line for line, event in zip(lines.raw, lines.records(), strict=True) if event["step"] <= step]
    if lines.torn or len(kept) < len(lines.raw):
        jsonl.rewrite(folder / _NAME, kept)
    return len(lines.raw) - len(kept)

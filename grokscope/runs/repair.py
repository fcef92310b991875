"""Repairs the damages that `runs.doctor` finds. Nothing is deleted: damaged files move to <store>/.quarantine/<pack>/.

Lost data are recovered: events and the status follow from the numbers, numbers from the checkpoints (the caller
measures the packs in `Repaired.remeasure`), and a pack that cannot continue from its resume point starts again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.doctor import LOST, STUDIES, Damage, Kind
from grokscope.runs.outcomes import outcomes
from grokscope.runs.store import bundle, checkpoints, jsonl, segments
from grokscope.runs.store.atomic import move_aside, write_atomic
from grokscope.runs.store.checksum import mended
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import (
    FINISHED,
    STAGES,
    append_event,
    checked_events,
    finished_at,
    read_events,
    replace_events,
)
from grokscope.runs.store.journal import Journal
from grokscope.runs.store.lock import hold
from grokscope.runs.store.rows import read_rows
from grokscope.runs.store.status import read_status, write_status

QUARANTINE = ".quarantine"
ROWS: set[Kind] = {"journal", "segment", "lost"}


@dataclass(kw_only=True)
class Repaired:
    """moved: paths in quarantine. remeasure: packs whose checkpoints must be measured again. kept_out: why packs could
    not be repaired."""

    moved: list[Path] = field(default_factory=list)
    remeasure: list[Path] = field(default_factory=list)
    kept_out: list[str] = field(default_factory=list)


def repair(store: Path, damages: Sequence[Damage]) -> Repaired:
    """Repairs the damages of a store, pack by pack, each under its lock."""
    done = Repaired()
    for pack in dict.fromkeys(damage.pack for damage in damages):
        of_pack = [damage for damage in damages if damage.pack == pack]
        try:
            if of_pack[0].kind in ("study", "catalogue"):
                done.moved += [_quarantine(store, file) for file in dict.fromkeys(one.file for one in of_pack)]
                continue
            with hold(pack):
                repaired = _repair_pack(store, pack, of_pack, done)
            if not repaired:
                (pack / "lock").unlink(missing_ok=True)
                done.moved.append(_quarantine(store, pack))
        except (StoreError, OSError) as error:
            done.kept_out.append(f"{pack}: {error}")
    return done


def _repair_pack(store: Path, pack: Path, damages: Iterable[Damage], done: Repaired) -> bool:
    """False if the pack cannot be repaired: nobody knows what was trained, or its curves came from elsewhere."""
    kinds: set[Kind] = {damage.kind for damage in damages}
    if "pack" in kinds and not _mend(pack / "pack.json", pack):
        return False
    if ROWS & kinds and read_pack(pack)["runs"][0]["config"] is None:
        return False
    for file, kind in dict.fromkeys((damage.file, damage.kind) for damage in damages):
        if file.name == bundle.NAME:
            checkpoints.unseal(pack)
        if kind in ("segment", "checkpoint", "data", "readings") or (kind == "resume" and file.exists()):
            done.moved.append(_quarantine(store, file))
    if "events" in kinds:
        events = _salvaged(pack / "events.jsonl")
        done.moved.append(_quarantine(store, pack / "events.jsonl"))
        replace_events(pack, checked_events(events, pack / "events.jsonl"))
    if ROWS & kinds:
        _restore_rows(store, pack, kinds, done)
    if "events" in kinds:
        _restore_events(pack)
    if "runs" not in read_status(pack):  # damaged, or an old one
        _restore_status(pack)
    return True


def _restore_rows(store: Path, pack: Path, kinds: set[Kind], done: Repaired) -> None:
    """A journal of the intact rows; the others are measured again, or the pack starts again."""
    path = pack / "journal.jsonl"
    numbers = segments.sealed_numbers(pack)
    journal = Journal(path, segment=max(numbers, default=0) + 1)
    if "journal" in kinds:
        rows: list[Any] = [row for row in _salvaged(path) if {"run", "measure", "view", "value"} <= row.keys()]
        done.moved.append(_quarantine(store, path))
        journal.sealed = numbers
        journal.reset(max(numbers, default=0) + 1)
        journal.append(rows)
    journal.sealed = numbers
    journal.announce()
    end = finished_at(pack)
    if end is None:  # rows before the resume point are missing: from step 0 all rows are written again
        if (pack / "resume.safetensors").exists():
            done.moved.append(_quarantine(store, pack / "resume.safetensors"))
        return
    for run in read_pack(pack)["runs"]:
        append_event(pack, {"run": run["run"], "step": end, "event": LOST, "of": sorted(ROWS & kinds)})
    done.remeasure.append(pack)
    _forget_measured(store, pack.name)


def _restore_events(pack: Path) -> None:
    """Adds the events that follow from the numbers, and the end of a pack whose status, intact, says it is done."""
    intact, status = read_events(pack), read_status(pack)
    known = {(event["run"], event["event"]) for event in intact}
    runs = read_pack(pack)["runs"]
    derived = []
    for run, outcome in outcomes(pack, runs).items():
        reached = {event: outcome[name] for event, name in STAGES.items() if outcome[name] is not None}
        derived += [{"run": run, "step": step, "event": event} for event, step in reached.items()]
    end = status.get("step")
    if status.get("state") == "done" and "runs" in status and end in checkpoints.known_steps(pack):
        derived += [{"run": run["run"], "step": end, "event": FINISHED} for run in runs]
    missing = [event for event in derived if (event["run"], event["event"]) not in known]
    ordered = sorted([*intact, *missing], key=lambda event: (event["step"], event["event"] == FINISHED))
    replace_events(pack, ordered)


def _restore_status(pack: Path) -> None:
    old = read_status(pack)
    end = finished_at(pack)
    runs = outcomes(pack, read_pack(pack)["runs"])
    steps = read_rows(pack).steps
    step = int(steps[-1]) if end is None and len(steps) else end or 0
    seconds = {name: old[name] for name in ("max_steps", "train_seconds", "measure_seconds") if name in old}
    write_status(pack, state="stopped" if end is None else "done", step=step, **seconds, runs=runs)


def _salvaged(path: Path) -> list[dict[str, Any]]:
    """The records of the intact lines: those that fit their checksums or, in an old file, are JSON."""
    data = path.read_bytes()
    bad = set(jsonl.broken(data)) if b'"crc": "' in data else set()
    lines = [line for number, line in enumerate(data.split(b"\n")[:-1], 1) if number not in bad]
    records = [record for record in map(jsonl.parsed_line, lines) if record is not None and "step" in record]
    return [{name: value for name, value in record.items() if name != "crc"} for record in records]


def _mend(path: Path, pack: Path) -> bool:
    """Puts back the one flipped bit of a description; False if one bit is not the damage."""
    data = mended(path.read_bytes()) if path.is_file() else None
    if data is None:
        return False
    write_atomic(path, data)
    read_pack(pack)
    return True


def _forget_measured(store: Path, pack: str) -> None:
    """Makes the studies that measured a pack's checkpoints measure them again."""
    for path in (store / STUDIES).glob("*/measured.jsonl"):
        with hold(path.parent):
            records = jsonl.read_lines(path).body()
            others = [record for record in records if record.get("pack") != pack]
            if len(others) < len(records):
                jsonl.rewrite(path, [jsonl.encode(jsonl.HEADER), *map(jsonl.encode, others)])


def _quarantine(store: Path, path: Path) -> Path:
    """Moves a file or a folder to the same place under .quarantine; a name that is taken gets a number."""
    return move_aside(path, store / QUARANTINE / path.relative_to(store))

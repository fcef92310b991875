"""What is damaged in a store: every file of every pack and study is read and checked, and nothing is written.

A damage is what makes a number, an event or a weight untrue or unreadable. What is as a killed writer leaves it, or was
written before there were checksums, is a note.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from grokscope.errors import StoreError
from grokscope.runs.config import RunConfig
from grokscope.runs.identity import pack_hash
from grokscope.runs.outcomes import outcomes
from grokscope.runs.run import load_pack
from grokscope.runs.store import checkpoints, jsonl, segments
from grokscope.runs.store.checksum import checked, require
from grokscope.runs.store.documents import read_document, read_pack
from grokscope.runs.store.events import finished_at, read_events
from grokscope.runs.store.journal import read_journal
from grokscope.runs.store.lock import is_held
from grokscope.runs.store.readings import NAME as READINGS
from grokscope.runs.store.readings import read_readings

Kind: TypeAlias = Literal[
    "pack", "events", "journal", "segment", "lost", "checkpoint", "resume", "status", "readings", "study"
]
STUDIES = "studies"
LOST = "rows-lost"  # the event of a pack whose numbers between checkpoints cannot be taken again
REMEDY: dict[Kind, str] = {
    "pack": "the flipped bit is put back where it is one, else the pack is moved to quarantine",
    "events": "the events that are whole are kept, and those that follow from the numbers are written again",
    "journal": "the rows that are whole are kept, the others are measured again from the checkpoints",
    "segment": "it is moved to quarantine, and its rows are measured again from the checkpoints; of curves from "
    "elsewhere, which have none, the whole pack is moved, to be imported again",
    "lost": "the rows are measured again from the checkpoints",
    "checkpoint": "it is moved to quarantine",
    "resume": "it is moved to quarantine; with --resume the pack is trained anew from step 0, to the same weights",
    "status": "it is written again from the numbers",
    "readings": "it is moved to quarantine; the same study again takes the readings of the checkpoints anew",
    "study": "it is moved to quarantine; the same study or sweep again writes it anew",
}


@dataclass(frozen=True, kw_only=True)
class Damage:
    """One damaged file. pack: its pack's folder; of a study the study's."""

    pack: Path
    file: Path
    kind: Kind
    what: str

    @property
    def remedy(self) -> str:
        """What `--repair` does."""
        return REMEDY[self.kind]


@dataclass(kw_only=True)
class Examination:
    """What was found; packs: how many were looked at."""

    packs: int = 0
    damages: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def examine(store: Path) -> Examination:
    """All damages of a store. StoreError where there is none."""
    if not store.is_dir():
        raise StoreError(f"no store at {store}: give the folder that holds the runs with --store")
    found = Examination()
    for folder in sorted(path for path in store.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if folder.name == STUDIES:
            for study in sorted(path.parent for path in folder.glob("*/plan.json")):
                found.damages += _study(study)
        elif (folder / "pack.json").exists() or (folder / "pack.json").is_symlink():
            found.packs += 1
            if is_held(folder):
                found.notes.append(f"{folder} is being written, and is left alone")
                continue
            found.damages += list(examine_pack(folder))
            found.notes += _notes(folder)
        elif checkpoints.steps(folder):
            lost = "it has checkpoints, but no pack.json that says of what"
            found.damages.append(Damage(pack=folder, file=folder / "pack.json", kind="pack", what=lost))
    return found


def examine_pack(folder: Path) -> Iterator[Damage]:
    """The damages of one pack."""

    def attempt(file: Path, kind: Kind, act: Callable[[], object]) -> Iterator[Damage]:
        try:
            act()
        except StoreError as error:
            yield Damage(pack=folder, file=file, kind=kind, what=str(error))
        except Exception as error:  # whatever a file holds, the others are looked at too
            yield Damage(pack=folder, file=file, kind=kind, what=f"{type(error).__name__}: {error}")

    described = list(attempt(folder / "pack.json", "pack", lambda: _described(folder)))
    yield from described
    events = list(attempt(folder / "events.jsonl", "events", lambda: read_events(folder)))
    journal = list(attempt(folder / "journal.jsonl", "journal", lambda: read_journal(folder / "journal.jsonl")))
    yield from (*events, *journal)
    yield from attempt(folder / READINGS, "readings", lambda: read_readings(folder))
    sealed = [segments.segment_path(folder, number) for number in segments.sealed_numbers(folder)]
    bad = [damage for path in sealed for damage in attempt(path, "segment", lambda path=path: _segment(path))]
    yield from bad
    if not journal:
        yield from attempt(folder / "metrics", "lost", lambda: segments.at_one_instant(folder))
    for step in checkpoints.steps(folder):
        path = checkpoints.path_of(folder, step)
        yield from attempt(path, "checkpoint", lambda step=step: checkpoints.load(folder, step))
    if not (events or journal or bad):
        yield from attempt(folder / "resume.safetensors", "resume", lambda: _resumable(folder))
    else:
        yield from attempt(folder / "resume.safetensors", "resume", lambda: checkpoints.load_resume(folder))
    whole = not (described or events or journal or bad)
    yield from attempt(folder / "status.json", "status", lambda: _status(folder, compare=whole))


def _described(folder: Path) -> None:
    first = load_pack(folder)[0]
    old = "imported" in first.about and checked(folder / "pack.json") is None
    if old and folder.name != _imported_id(folder, first.config):
        raise StoreError(f"{folder / 'pack.json'}: the config or the weights are not those that were imported")


def _imported_id(folder: Path, config: RunConfig) -> str:
    """The id of imported weights as it was made before pack.json had a checksum."""
    step = checkpoints.steps(folder)[-1]
    params = checkpoints.load(folder, step, replica=0)
    raw = json.loads((folder / "pack.json").read_bytes())["runs"][0]["config"]
    found = hashlib.sha256(f"imported {pack_hash([raw])} {step}".encode())
    for name in config.build_model(config.build_task()).shapes:
        found.update(name.encode() + params[name].numpy().tobytes())
    return found.hexdigest()[:12]


def _segment(path: Path) -> None:
    require(path, "truncated or damaged segment in")
    with segments.damage_as_store_error(path):
        segments.engine().execute("SELECT sum(hash(COLUMNS(*))) FROM read_parquet($1)", [[str(path)]]).fetchall()


def _resumable(folder: Path) -> None:
    """Whether the pack can go on: the resume point is whole, and the rows and events before it are there."""
    point = checkpoints.load_resume(folder)
    if point is None or finished_at(folder) is not None:
        return
    step = point[1]["step"]
    events = sum(event["step"] <= step for event in read_events(folder))
    for name, count in (("rows", segments.count_rows(folder, step)), ("events", events)):
        if count < (then := point[1].get(name, 0)):
            raise StoreError(f"{folder}: {then - count} of the {then} {name} are gone that it had at step {step}")


def _status(folder: Path, *, compare: bool) -> None:
    """Whether the status is the one that was written. compare: one of old, without a checksum, with the numbers."""
    path = folder / "status.json"
    try:
        status, sealed = read_document(path)
    except FileNotFoundError:
        return
    if sealed or not compare or finished_at(folder) is None or not isinstance(status.get("runs"), dict):
        return
    for run, true in outcomes(folder, read_pack(folder)["runs"]).items():
        said = status["runs"].get(run)
        names = ("memorized_at", "onset_at", "generalized_at")
        for name in names if isinstance(said, dict) else ():
            if said.get(name) != true[name]:
                raise StoreError(f"{path} says {name} = {said.get(name)} of run {run}, the numbers say {true[name]}")


def _study(folder: Path) -> Iterator[Damage]:
    def plan() -> None:
        about, _ = read_document(folder / "plan.json")
        if not isinstance(about.get("arms"), dict | list):
            raise StoreError(f"{folder / 'plan.json'} has no arms")

    def measured() -> None:
        jsonl.read_lines(folder / "measured.jsonl").body()

    for name, act in (("plan.json", plan), ("measured.jsonl", measured)):
        try:
            act()
        except (OSError, StoreError) as error:
            yield Damage(pack=folder, file=folder / name, kind="study", what=str(error))


def _notes(folder: Path) -> Iterator[str]:
    """What is no damage, and worth knowing."""
    if any(event["event"] == LOST for event in _events(folder)):
        yield (
            f"{folder}: numbers between its checkpoints were lost; moved away and trained again, it has them all, "
            "with the same weights"
        )
    for name in ("journal.jsonl", "events.jsonl", READINGS):
        try:
            if jsonl.read_lines(folder / name).torn:
                yield f"{folder / name}: the last line is torn, as a killed writer leaves it; it is not counted"
        except StoreError:
            continue
    left = [path for place in (folder, folder / "metrics", folder / "checkpoints") for path in place.glob(".*.tmp")]
    if left:
        yield f"{folder}: {len(left)} temporary files of a killed writer, which the next one removes"
    if old := [path.name for path in _files(folder) if _has_none(path)]:
        yield f"{folder}: no checksum in {len(old)} files ({old[0]}, ...): written before grokscope had them"


def _events(folder: Path) -> list[dict[str, Any]]:
    try:
        return read_events(folder)
    except StoreError:
        return []


def _files(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in ("pack.json", "resume.safetensors") if (folder / name).is_file())
    yield from (segments.segment_path(folder, number) for number in segments.sealed_numbers(folder))
    yield from (checkpoints.path_of(folder, step) for step in checkpoints.steps(folder))


def _has_none(path: Path) -> bool:
    try:
        return checked(path) is None
    except StoreError:
        return False

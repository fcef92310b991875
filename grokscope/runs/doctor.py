"""Finds the damage in a store: reads and checks every file of every pack and study, and writes nothing.

A damage makes a number, an event or a weight untrue or unreadable. Traces of a killed writer, and files from before
there were checksums, are notes.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from grokscope.errors import StoreError
from grokscope.runs.config import RunConfig
from grokscope.runs.identity import pack_hash
from grokscope.runs.outcomes import outcomes
from grokscope.runs.run import load_pack
from grokscope.runs.store import bundle, checkpoints, finished, jsonl, segments
from grokscope.runs.store.checksum import checked, require
from grokscope.runs.store.documents import read_document, read_pack
from grokscope.runs.store.events import finished_at, read_events
from grokscope.runs.store.journal import read_journal
from grokscope.runs.store.lock import is_held
from grokscope.runs.store.readings import NAME as READINGS
from grokscope.runs.store.readings import read_readings
from grokscope.runs.store.tables import TABLES

Kind: TypeAlias = Literal[
    "pack",
    "events",
    "journal",
    "segment",
    "lost",
    "checkpoint",
    "data",
    "resume",
    "status",
    "readings",
    "study",
    "catalogue",
]
STUDIES = "studies"
LOST = "rows-lost"  # the event of a pack that lost numbers between its checkpoints for good
REMEDY: dict[Kind, str] = {
    "pack": "a single flipped bit is put back; otherwise the pack is moved to quarantine",
    "events": "intact events are kept, and those that follow from the numbers are written again",
    "journal": "intact rows are kept, the others are measured again from the checkpoints",
    "segment": "it is moved to quarantine, and its rows are measured again from the checkpoints; curves from elsewhere "
    "have none: the whole pack is moved, to be imported again",
    "lost": "the rows are measured again from the checkpoints",
    "checkpoint": "it is moved to quarantine; of a file of all checkpoints the intact ones are kept",
    "data": "it is moved to quarantine; the file that the data came from has them, and other packs trained on them",
    "resume": "it is moved to quarantine; the same command (`run` with --resume) then trains the pack again from step "
    "0, to the same weights",
    "status": "it is written again from the numbers",
    "readings": "it is moved to quarantine; the same study again takes the readings from the checkpoints",
    "catalogue": "it is moved to quarantine; the next question to the store makes a new one from the packs",
    "study": "it is moved to quarantine; the same study or sweep again writes it anew",
}


@dataclass(frozen=True, kw_only=True)
class Damage:
    """One damaged file. pack: the folder of its pack or study."""

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
    """The damages and notes of a store. packs: the number of packs examined."""

    packs: int = 0
    damages: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def examine(store: Path) -> Examination:
    """All damages of a store. StoreError if there is no store."""
    if not store.is_dir():
        raise StoreError(f"no store at {store}: give the folder that holds the runs with --store")
    examination = Examination()
    for folder in sorted(path for path in store.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if folder.name == STUDIES:
            for study in sorted(path.parent for path in folder.glob("*/plan.json")):
                examination.damages += _study(study)
        elif (folder / "pack.json").exists() or (folder / "pack.json").is_symlink():
            examination.packs += 1
            if is_held(folder):
                examination.notes.append(f"{folder} is being written, and is left alone")
                continue
            examination.damages += examine_pack(folder)
            examination.notes += _notes(folder)
        elif checkpoints.known_steps(folder) or (folder / bundle.NAME).exists():
            lost = "it has checkpoints, but no pack.json that says what was trained"
            examination.damages.append(Damage(pack=folder, file=folder / "pack.json", kind="pack", what=lost))
    examination.damages += _catalogue(store)
    return examination


def _catalogue(store: Path) -> Iterator[Damage]:
    """The files of the catalogue that do not fit their checksums, or say something else than the packs."""
    folder = store / finished.FOLDER
    for path in sorted(folder.glob("*.parquet")):
        yield from _attempt(folder, path, "catalogue", lambda path=path: require(path))
    for table in TABLES:
        for path in finished.generations(store, table.name)[:1]:
            yield from _attempt(folder, path, "catalogue", lambda table=table: finished.compare(store, table))


def _attempt(pack: Path, file: Path, kind: Kind, act: Callable[[], object]) -> Iterator[Damage]:
    """The damage that `act` meets in a file, if any."""
    try:
        act()
    except (OSError, StoreError) as error:
        yield Damage(pack=pack, file=file, kind=kind, what=str(error))
    except Exception as error:  # whatever a file holds, the others are examined too
        yield Damage(pack=pack, file=file, kind=kind, what=f"{type(error).__name__}: {error}")


def examine_pack(folder: Path) -> Iterator[Damage]:
    """The damages of one pack."""

    def attempt(file: Path, kind: Kind, act: Callable[[], object]) -> Iterator[Damage]:
        return _attempt(folder, file, kind, act)

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
    yield from attempt(folder / bundle.NAME, "checkpoint", lambda: bundle.parts(folder))
    for step in checkpoints.known_steps(folder):
        path = checkpoints.place_of(folder, step)
        yield from attempt(path, "checkpoint", lambda step=step: checkpoints.load(folder, step))
    numbers = not (events or journal or bad)
    for path in checkpoints.data_files(folder):
        yield from attempt(path, "data", lambda path=path: require(path))
    resume = _resumable if numbers else checkpoints.load_resume
    yield from attempt(folder / "resume.safetensors", "resume", lambda: resume(folder))
    yield from attempt(folder / "status.json", "status", lambda: _status(folder, compare=numbers and not described))


def _described(folder: Path) -> None:
    first = load_pack(folder)[0]
    old = "imported" in first.about and checked(folder / "pack.json") is None
    if old and folder.name != _imported_id(folder, first.config):
        raise StoreError(f"{folder / 'pack.json'}: the config or the weights are not those that were imported")


def _imported_id(folder: Path, config: RunConfig) -> str:
    """The id of imported weights by the rule from before pack.json had a checksum."""
    step = checkpoints.steps(folder)[-1]
    params = checkpoints.load(folder, step, replica=0)
    raw = json.loads((folder / "pack.json").read_bytes())["runs"][0]["config"]
    digest = hashlib.sha256(f"imported {pack_hash([raw])} {step}".encode())
    for name in config.build_model(config.build_task()).shapes:
        digest.update(name.encode() + params[name].numpy().tobytes())
    return digest.hexdigest()[:12]


def _segment(path: Path) -> None:
    require(path, "truncated or damaged segment in")
    with segments.damage_as_store_error(path):
        segments.engine().execute("SELECT sum(hash(row)) FROM read_parquet($1) AS row", [[str(path)]]).fetchall()


def _resumable(folder: Path) -> None:
    """StoreError unless the pack can continue: the resume point is intact, and the rows and events before it exist."""
    point = checkpoints.load_resume(folder)
    if point is None or finished_at(folder) is not None:
        return
    step = point[1]["step"]
    events = sum(event["step"] <= step for event in read_events(folder))
    for name, count in (("rows", segments.count_rows(folder, step)), ("events", events)):
        if count < (then := point[1].get(name, 0)):
            raise StoreError(f"{folder} has lost {then - count} of the {then} {name} that it had at step {step}")


def _status(folder: Path, *, compare: bool) -> None:
    """StoreError for a damaged status. compare: compare an old status, without a checksum, with the numbers."""
    path = folder / "status.json"
    try:
        status, sealed = read_document(path)
    except FileNotFoundError:
        return
    if sealed or not compare or finished_at(folder) is None or not isinstance(status.get("runs"), dict):
        return
    for run, true in outcomes(folder, read_pack(folder)["runs"]).items():
        stored = status["runs"].get(run)
        for name in ("memorized_at", "onset_at", "generalized_at") if isinstance(stored, dict) else ():
            if stored.get(name) != true[name]:
                raise StoreError(f"{path} says {name} = {stored.get(name)} of run {run}, the numbers say {true[name]}")


def _study(folder: Path) -> Iterator[Damage]:
    def plan() -> None:
        about, _ = read_document(folder / "plan.json")
        if not isinstance(about.get("arms"), dict | list):
            raise StoreError(f"{folder / 'plan.json'} has no arms")

    measured = folder / "measured.jsonl"
    yield from _attempt(folder, folder / "plan.json", "study", plan)
    yield from _attempt(folder, measured, "study", lambda: jsonl.read_lines(measured).body())


def _notes(folder: Path) -> Iterator[str]:
    """What is worth knowing and no damage."""
    with suppress(StoreError):
        if any(event["event"] == LOST for event in read_events(folder)):
            yield (
                f"{folder} has lost numbers between its checkpoints; move it away and train it again to have them all, "
                "with the same weights"
            )
    for name in ("journal.jsonl", "events.jsonl", READINGS):
        with suppress(StoreError):
            if jsonl.read_lines(folder / name).torn:
                yield f"{folder / name}: the last line is torn, by a killed writer; it does not count"
    left = [path for place in (folder, folder / "metrics", folder / "checkpoints") for path in place.glob(".*.tmp")]
    if left:
        yield f"{folder}: {len(left)} temporary files of a killed writer, which the next one removes"
    if old := [path.name for path in _files(folder) if _is_old(path)]:
        yield f"{folder}: no checksum in {len(old)} files ({old[0]}, ...), from before grokscope had them"


def _files(folder: Path) -> Iterator[Path]:
    """The files of a pack that carry a checksum."""
    yield from (folder / name for name in ("pack.json", "resume.safetensors") if (folder / name).is_file())
    yield from (segments.segment_path(folder, number) for number in segments.sealed_numbers(folder))
    yield from checkpoints.files(folder).values()
    yield from checkpoints.data_files(folder)


def _is_old(path: Path) -> bool:
    """Whether a file has no checksum."""
    try:
        return checked(path) is None
    except StoreError:
        return False

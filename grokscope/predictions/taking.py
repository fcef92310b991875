"""Takes readings of a run's checkpoints and stores them; a stored reading is not taken again.

The worker that trained a pack takes the readings that its study has planned. Readings of runs that no study planned are
taken before these are judged.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from grokscope.errors import Missing, StoreError
from grokscope.predictions.readings import REFERRED, At, Number, Stage
from grokscope.predictions.subject import HeldTruth, Subject
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.store.lock import hold
from grokscope.runs.store.mirror import publish
from grokscope.runs.store.readings import Place, Record, append_readings, read_readings
from grokscope.statistics.transitions import Phases
from grokscope.tasks.base import Task


@dataclass(frozen=True)
class Asked:
    """Readings to take of one run. truth: of a control, the task it is held against. reference: the run whose windows
    it has; unpaired: why there is none."""

    run: str
    readings: tuple[At, ...]
    truth: HeldTruth | None = None
    reference: str | None = None
    unpaired: str = ""

    @property
    def digest(self) -> str:
        """Of its truth; empty for a run that is held against its own."""
        return "" if self.truth is None else self.truth.digest

    @property
    def refers(self) -> bool:
        """Whether another run must be trained first."""
        return self.reference is not None and any(reading.stage in REFERRED for reading in self.readings)

    def split(self, *, late: bool) -> tuple["Asked", ...]:
        """Late: the readings that wait for the reference. Else: all others. Empty where there are none."""
        chosen = tuple(reading for reading in self.readings if (self.refers and reading.stage in REFERRED) == late)
        return (dataclasses.replace(self, readings=chosen),) if chosen else ()

    def lacking(self, records: Mapping[Place, Record]) -> tuple[At, ...]:
        """The readings that are not stored, or were taken with another definition of the measure."""
        stored = {reading: records.get((self.run, reading.key, self.digest)) for reading in self.readings}
        return tuple(
            reading
            for reading, record in stored.items()
            if record is None or record.digest != reading.instrument.digest
        )

    def to_json(self) -> dict[str, Any]:
        """In JSON's own types; `from_json` reads it."""
        about = {name: getattr(self, name) for name in ("run", "reference", "unpaired")}
        truth = None if self.truth is None else list(self.truth.fields)
        return about | {"readings": [reading.to_json() for reading in self.readings], "truth": truth}

    @classmethod
    def from_json(cls, about: Mapping[str, Any]) -> "Asked":
        """What `to_json` wrote."""
        truth = None if about["truth"] is None else HeldTruth.from_json(about["truth"])
        readings = tuple(map(At.from_json, about["readings"]))
        return cls(about["run"], readings, truth, about["reference"], about["unpaired"])


def take(run: Run, asked: Asked, reference: Run | None = None) -> list[Record]:
    """Takes the readings that the run's pack lacks, and stores them. reference: the run that `asked` names."""
    with hold(run.folder):
        new = taken(run, asked, read_readings(run.folder), reference)
        append_readings(run.folder, new)
        if new:
            publish(run.folder)
    return new


def taken(run: Run, asked: Asked, records: Mapping[Place, Record], reference: Run | None = None) -> list[Record]:
    """The readings that the records lack, taken now; nothing is stored."""
    lacking = asked.lacking(records)
    if not lacking:
        return []
    sitting = _Sitting(run, asked, reference)
    ordered = sorted(lacking, key=lambda reading: sitting.order(reading.stage))
    return [sitting.record(reading) for reading in ordered]


def stages(subject: Subject) -> dict[Stage, int]:
    """The first checkpoint, the one nearest the geometric middle of the memorised window, and the last one.

    StoreError for a run without checkpoints.
    """
    steps = np.array(subject.run.checkpoints)
    if not len(steps):
        raise StoreError(gone(subject.run))
    known: dict[Stage, int] = {"untrained": int(steps[0]), "after": int(steps[-1])}
    if kept_ends(subject.run):
        return known
    window = subject.fresh.memorized or subject.phases.memorized
    start = subject.phases.memorized_at
    if window is None and start is not None and subject.phases.generalized_at is None:
        window = (start, int(steps[-1]))
    if window is not None:
        inside = steps[(steps >= window[0]) & (steps < max(window[1], window[0] + 1))]
        near = inside if len(inside) else steps[steps >= window[0]][:1]
        known["memorised"] = nearest(near, math.sqrt(window[0] * window[1]))
    return known


def nearest(steps: Sequence[int] | np.ndarray, step: float) -> int:
    """The step whose ratio to another one is nearest to 1."""
    there = np.asarray(steps)
    return int(there[np.abs(np.log(np.maximum(there, 1) / max(step, 1))).argmin()])


def kept_ends(run: Run) -> bool:
    """Whether a run kept its first and last checkpoint alone, as a sweep does: none is near any other step."""
    return run.about.get("checkpoints") == "ends"


def gone(run: Run) -> str:
    """The message about a run whose checkpoints were not kept."""
    return f"run {run.id} has no checkpoint: its numbers are in the store, its weights are not"


class _Sitting:
    """One run while its readings are taken: it keeps the snapshot of the last step."""

    def __init__(self, run: Run, asked: Asked, reference: Run | None) -> None:
        self.run, self.asked, self.reference = run, asked, reference
        self.subject = Subject(run=run, reference=reference)
        self.task = None if asked.truth is None else held_against(run.task, asked.truth)
        self.held: dict[int, Snapshot] = {}
        self.stages: dict[Stage, int] | None = None  # without checkpoints
        with suppress(StoreError):
            self.stages = stages(self.subject)

    def order(self, stage: Stage) -> int:
        """A sort key: readings of one step follow each other."""
        step = self._step(stage)
        return -1 if isinstance(step, Missing) else step

    def record(self, reading: At) -> Record:
        step = self._step(reading.stage)
        value = step if isinstance(step, Missing) else self._read(reading, step)
        lacking = isinstance(value, Missing)
        return Record(
            run=self.run.id,
            key=reading.key,
            step=None if isinstance(step, Missing) else step,
            value=None if lacking else float(value),
            missing=value.reason if lacking else "",
            truth=self.asked.digest,
            digest=reading.instrument.digest,
            versions=f"grokscope {version('grokscope')}, torch {torch.__version__}",
        )

    def _step(self, stage: Stage) -> int | Missing:
        if self.stages is None:
            return Missing(gone(self.run))
        if stage not in REFERRED:
            return self.stages.get(stage, Missing(f"the run has no checkpoint of the stage {stage!r}"))
        phases = self._phases()
        if isinstance(phases, Missing):
            return phases
        if kept_ends(self.run):
            return Missing("the run kept only its first and last checkpoint")
        if phases.memorized_at is None or phases.onset_at is None:
            return Missing("the run has no onset after memorisation")
        return nearest(self.run.checkpoints, phases.memorized_at if stage == "t_mem" else phases.onset_at)

    def _phases(self) -> Phases | Missing:
        return Missing(self.asked.unpaired) if self.asked.unpaired else self.subject.stages_of_reference(fresh=False)

    def _read(self, reading: At, step: int) -> Number:
        of = reading.instrument
        stored = None if self.task is not None else of.stored(self.subject.rows(of.measure), step)
        if stored is not None:
            return stored
        if step not in self.held:
            snapshot = self.run.snapshot(step)
            if self.task is not None:
                snapshot = snapshot.replace(task=self.task)
            self.held = {step: snapshot}
        try:
            return of(self.held[step])
        except StoreError as error:
            return Missing(str(error))


def held_against(task: Task, truth: HeldTruth) -> Task:
    """A control's task, its own labels as classes, held against the truth of another."""
    other = truth.task
    return dataclasses.replace(task, truth=other.truth, answers=other.labels)

"""The training loop of one pack: step, evaluate, save, stop, and resume a killed run."""

import math
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from grokscope.errors import StoreError
from grokscope.runs.config import RunConfig
from grokscope.runs.store.events import NON_FINITE, RESUMED, STAGES
from grokscope.runs.store.journal import Measured
from grokscope.runs.store.rows import read_rows
from grokscope.runs.writer import Writer
from grokscope.statistics.transitions import Phases
from grokscope.statistics.unfolding import Unfolding
from grokscope.training.ends import replayed
from grokscope.training.pack import Pack
from grokscope.training.schedule import Schedule, is_evaluated, most_checkpoints

Observe = Callable[[Pack], Sequence[Measured]]
# After each evaluation: the step, and of every replica the values of its curves. True ends the training.
OnEvaluate = Callable[[int, list[dict[str, float]]], object]
CURVES = ("train_accuracy", "test_accuracy", "fresh_accuracy", "train_loss", "test_loss")
STATUS_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a display shows after each evaluation."""

    step: int
    max_steps: int
    steps_per_second: float
    train_seconds: float = 0.0
    measure_seconds: float = 0.0
    curves: Sequence[dict[str, float]]
    phases: Sequence[Phases | None]
    ended: bool


class History:
    """The evaluations of one replica so far: the source of the stop rule, the checkpoints and the phases.

    step: of the last evaluation, None before the first. values: of the last evaluation, NaN where a curve has none.
    """

    def __init__(self) -> None:
        self.step: int | None = None
        self.values: dict[str, float] = dict.fromkeys(CURVES, math.nan)
        self._unfolding = Unfolding()

    def add(self, step: int, values: dict[str, float]) -> None:
        self.step = step
        self.values = {name: values.get(name, math.nan) for name in CURVES}
        self._unfolding.add(step, values)

    def phases(self) -> Phases:
        return self._unfolding.phases()


@dataclass
class Loop:
    """The training of one pack.

    observe: measures the pack at its present step; its rows of `behaviour.*` decide the schedule. show: called after
    each evaluation. on_evaluate: may end the training. extendable: the end is a resume point too, so that the training
    can go on from there. save_every: steps between resume points (they change no result).
    """

    pack: Pack
    writer: Writer
    observe: Observe
    show: Callable[[Progress], None] = lambda _: None
    on_evaluate: OnEvaluate | None = None
    extendable: bool = False
    save_every: int = 250
    train_seconds: float = 0.0
    measure_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.config = self.pack.configs[0]
        self.schedule = Schedule(self.config)
        self.histories = [History() for _ in self.pack.configs]
        self._known: set[tuple[str, str]] = set()
        self._stopped = False
        self._last_status = 0.0

    def run(self) -> None:
        """Trains from the writer's resume point, or from step 0, to the end."""
        self._resume()
        try:
            while not self._visit():
                self._advance()
        except BaseException as error:
            with suppress(StoreError):  # the disk may have failed
                self._status("failed" if isinstance(error, Exception) else "stopped")
            raise
        self.writer.finish(self.pack.step, extendable=self.extendable)
        self._status("done")

    def _visit(self) -> bool:
        """Evaluates and saves between two steps; True when the run ends here."""
        started = time.perf_counter()
        step = self.pack.step
        evaluated = self._ends or is_evaluated(step, self.config.evaluate_every)
        if evaluated and self.histories[0].step != step:
            self._evaluate()
        ends = self._ends
        due = ends or (evaluated and self.schedule.wants_checkpoint(step))
        if due and self.schedule.last_checkpoint != step:
            self.writer.checkpoint(step, self.pack.tensors)
            self.schedule.last_checkpoint = step
        if self.extendable if ends else step and step % self.save_every == 0:
            about = {"schedule": {"last_checkpoint": self.schedule.last_checkpoint}}
            self.writer.save(step, self.pack.state(), **about, **self._seconds())
        if evaluated and time.monotonic() - self._last_status > STATUS_SECONDS:
            self._status("running")
        self.measure_seconds += time.perf_counter() - started
        return ends

    @property
    def _ends(self) -> bool:
        """Whether the run ends at the present step."""
        at_the_end = self.pack.step == self.config.max_steps
        return at_the_end or self.schedule.has_generalised or self._stopped or not bool(self.pack.alive.any())

    def _advance(self) -> None:
        started = time.perf_counter()
        step = self.pack.step
        evaluated = step + 1 == self.config.max_steps or is_evaluated(step + 1, self.config.evaluate_every)
        for replica in self.pack.advance(keep=evaluated).nonzero().flatten().tolist():
            self._event(replica, step, NON_FINITE)
        self.train_seconds += time.perf_counter() - started

    def _evaluate(self) -> None:
        step = self.pack.step
        rows = self.observe(self.pack)
        self.writer.record(rows)
        measured = self._behaviour(rows)
        for history, values in zip(self.histories, measured, strict=True):
            history.add(step, values)
        alive = self.pack.alive.nonzero().flatten().tolist()
        self.schedule.see([self.histories[replica].values for replica in alive])
        stages: list[Phases | None] = [None] * self.pack.n_replicas
        for replica in alive:
            if "train_loss" not in measured[replica]:  # the last step may have destroyed it
                self._event(replica, step, NON_FINITE)
            stages[replica] = self._note(replica)
        if self.on_evaluate is not None:
            self._stopped = bool(self.on_evaluate(step, [dict(history.values) for history in self.histories]))
        self.show(
            Progress(
                step=step,
                max_steps=self.config.max_steps,
                steps_per_second=step / self.train_seconds if self.train_seconds else 0.0,
                train_seconds=self.train_seconds,
                measure_seconds=self.measure_seconds,
                curves=[history.values for history in self.histories],
                phases=stages,
                ended=self._ends,
            )
        )

    def _behaviour(self, rows: Sequence[Measured]) -> list[dict[str, float]]:
        """The curves of each replica at one step."""
        values: dict[str, dict[str, float]] = {run: {} for run in self.writer.ids}
        for row in rows:
            family, _, name = row["measure"].partition(".")
            if family == "behaviour" and name in CURVES:
                values[row["run"]][name] = row["value"]
        return list(values.values())

    def _note(self, replica: int) -> Phases:
        """Records the phases reached since the last evaluation."""
        stages = self.histories[replica].phases()
        for name, field in STAGES.items():
            if (step := getattr(stages, field)) is not None:
                self._event(replica, step, name)
        return stages

    def _event(self, replica: int, step: int, name: str) -> None:
        key = (self.writer.ids[replica], name)
        if key not in self._known:
            self._known.add(key)
            self.writer.event(replica, step, name)

    def _resume(self) -> None:
        point = self.writer.resume()
        self._known = {(event["run"], event["event"]) for event in self.writer.events()}
        if point is None:
            self.writer.describe(self.pack.device)
            self._status("running")
            return
        state, more = point
        self.pack.restore(more["step"], state)
        self.schedule = replayed(self.writer.folder, self.pack.configs, more["step"])
        self.schedule.last_checkpoint = more["schedule"]["last_checkpoint"]
        self.train_seconds, self.measure_seconds = more["train_seconds"], more["measure_seconds"]
        self._remember()
        self.writer.note_ends()
        changed = self.writer.changed(self.pack.device)
        more = {"threads": torch.get_num_threads()} | ({"changed": changed} if changed else {})
        for replica in range(self.pack.n_replicas):
            self.writer.event(replica, self.pack.step, RESUMED, **more)

    def _remember(self) -> None:
        """Restores the histories of the resume point."""
        rows = read_rows(self.writer.folder)
        by_step: dict[int, list[Measured]] = {}
        for run, step, name, view, value in zip(
            rows.runs, rows.steps.tolist(), rows.measures, rows.views, rows.values.tolist(), strict=True
        ):
            if name.startswith("behaviour."):
                by_step.setdefault(step, []).append(Measured(run=run, step=step, measure=name, view=view, value=value))
        for step in sorted(by_step):
            for history, values in zip(self.histories, self._behaviour(by_step[step]), strict=True):
                history.add(step, values)

    def _seconds(self) -> dict[str, float]:
        return {"train_seconds": self.train_seconds, "measure_seconds": self.measure_seconds}

    def _status(self, state: str) -> None:
        self._last_status = time.monotonic()
        runs = {run: self._outcome(history) for run, history in zip(self.writer.ids, self.histories, strict=True)}
        self.writer.status(state, self.pack.step, max_steps=self.config.max_steps, **self._seconds(), runs=runs)

    def _outcome(self, history: History) -> dict[str, Any]:
        """The entry of one replica in the table of runs: phases and last values."""
        if history.step is None:
            return {}
        phases = history.phases()
        return phases.as_dict() | {"notes": [str(note) for note in phases.notes]} | history.values


@dataclass(frozen=True, kw_only=True)
class DiskUse:
    """The most disk space that a run may take, and the free space [bytes]."""

    most: int
    free: int

    def __str__(self) -> str:
        warning = "; it may not fit" if self.most > self.free else ""
        return f"at most {self.most / 1e6:.1f} MB of {self.free / 1e9:.1f} GB free{warning}"


def disk_use(pack: Pack, store: Path) -> DiskUse:
    """Counts checkpoints at the schedule's densest and the resume point; metrics are small in comparison."""
    weights = sum(tensor.numel() * tensor.element_size() for tensor in pack.tensors.values())
    config: RunConfig = pack.configs[0]
    place = next(path for path in (store, *store.absolute().parents) if path.exists())
    return DiskUse(most=weights * (most_checkpoints(config) + 3), free=shutil.disk_usage(place).free)

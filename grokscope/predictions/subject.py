"""A run as predictions look at it: its stages, its series, and instruments that read one number of a snapshot."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import torch

from grokscope.errors import Missing, StoreError
from grokscope.measures.base import Value, evaluate
from grokscope.registry import component, names
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.store.rows import Rows
from grokscope.statistics.transitions import Phases
from grokscope.tasks.base import Task

Number: TypeAlias = float | Missing
HELD = 2  # snapshots of a run kept in memory, with the activations that its instruments have asked for


@dataclass(frozen=True)
class Instrument:
    """A number of one snapshot: a measure with options, and which element of a small array, or the mean of all.

    table: whose elements change places in the null of permuted residues: symbols, labels or neither.
    """

    measure: str
    options: Mapping[str, object] = dataclasses.field(default_factory=dict)
    element: int | str | None = None
    table: str = ""

    def __call__(self, snapshot: Snapshot) -> Number:
        if self.measure not in names("measures"):
            return Missing(f"the measure {self.measure} is not available")
        value: Value | Missing = evaluate(self.measure, snapshot, **self.options)
        if isinstance(value, Missing):
            return value
        if isinstance(value, Mapping):
            if self.element is None:
                return float(np.mean(list(value.values())))
            return value.get(str(self.element), Missing(f"no answer at {self.element}"))
        if self.element is None:
            return float(np.mean(np.asarray(value)))
        return float(np.asarray(value)[int(self.element)])

    @property
    def view(self) -> str:
        """The view under which a run stores it, as far as the options go."""
        return ",".join(f"{name}={value}" for name, value in self.options.items())

    def stored(self, rows: Rows, step: int) -> float | None:
        """The number as the run has it at a step, if it has."""
        measure = component("measures", self.measure) if self.measure in names("measures") else None
        if measure is None or dict(self.options) not in [dict(variant) for variant in measure.variants]:
            return None
        parts = list(filter(None, (self.view, f"{measure.axis}={self.element}" if self.element is not None else "")))
        wanted = ",".join(parts)
        here = rows.steps == step
        if self.element is None and measure.axis:
            start = f"{wanted},{measure.axis}=" if wanted else f"{measure.axis}="
            here &= np.array([str(view).startswith(start) for view in rows.views], dtype=bool)
        else:
            here &= rows.views == wanted
        return float(np.mean(rows.values[here])) if here.any() else None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A run, what its nulls need, and what was already found out about it.

    truth_of: for a control whose labels are random, the run whose ground truth it is measured against; its own labels
    are the classes all the same. unpaired: why that is not the run of its own seed, in whose windows of steps a control
    is asked; it has no such window then. untrained: the control of step 0: every stage is the first checkpoint.
    """

    run: Run
    truth_of: Run | None = None
    untrained: bool = False
    unpaired: Missing | None = None

    @cached_property
    def stages(self) -> dict[str, int]:
        """Checkpoints: the first one; the one nearest the geometric middle of the memorised window; the last one."""
        steps = np.array(self.run.checkpoints)
        if not len(steps):
            raise StoreError(gone(self.run).reason)
        if self.untrained:
            return dict.fromkeys(("untrained", "memorised", "after"), int(steps[0]))
        found = {"untrained": int(steps[0]), "after": int(steps[-1])}
        window = self.fresh.memorized or self.phases.memorized
        start = self.phases.memorized_at
        if window is None and start is not None and self.phases.generalized_at is None:
            window = (start, int(steps[-1]))
        if window is not None:
            inside = steps[(steps >= window[0]) & (steps < max(window[1], window[0] + 1))]
            near = inside if len(inside) else steps[steps >= window[0]][:1]
            found["memorised"] = _nearest(near, math.sqrt(window[0] * window[1]))
        return {stage: found[stage] for stage in ("untrained", "memorised", "after") if stage in found}

    @cached_property
    def phases(self) -> Phases:
        """The phases on all test inputs."""
        return self.run.phases()

    @cached_property
    def fresh(self) -> Phases:
        """The phases on fresh test inputs, where symmetry alone answers nothing; on all of them without fresh ones."""
        return self.run.phases("fresh" if len(self.rows("behaviour.fresh_accuracy")) else "test")

    def stages_of_reference(self, fresh: bool) -> Phases | Missing:
        """The phases, on fresh or on all test inputs, of the run itself, or of the one whose truth it is held against:
        where that one changes, a control is asked whether it changes too. `Missing` for one of another seed."""
        if self.unpaired is not None:
            return self.unpaired
        run = self if self.truth_of is None else Subject(run=self.truth_of)
        return run.fresh if fresh else run.phases

    def transition(self, fresh: bool) -> tuple[int, int] | Missing | None:
        """The window of the transition in these phases; None where there is none."""
        found = self.stages_of_reference(fresh)
        return found if isinstance(found, Missing) else found.transition

    def rows(self, measure: str) -> Rows:
        """What the run has stored of a measure."""
        if measure not in self._rows:
            self._rows[measure] = self.run.rows(measure)
        return self._rows[measure]

    def at(self, stage: str, instrument: Instrument) -> Number:
        """What an instrument reads at a stage: from the store, if the run has it there, or measured now."""
        if not self.run.checkpoints:
            return gone(self.run)
        if stage not in self.stages:
            return Missing(f"the run has no checkpoint of the stage {stage!r}")
        return self.read(self.stages[stage], instrument)

    def near(self, step: int) -> int:
        """The checkpoint nearest to a step, by their ratio."""
        return _nearest(np.array(self.run.checkpoints), step)

    def read(self, step: int, instrument: Instrument) -> Number:
        """What an instrument reads at a step."""
        key = (step, instrument.measure, instrument.view, instrument.element)
        if key not in self._answers:
            stored = None if self.truth_of else instrument.stored(self.rows(instrument.measure), step)
            self._answers[key] = instrument(self.snapshot(step)) if stored is None else stored
        return self._answers[key]

    def snapshot(self, step: int, permuted: str = "") -> Snapshot:
        """The network at a step; permuted: with its symbols, or its labels, in a random order."""
        if permuted:
            return self._changed(self.run.snapshot(step), permuted)
        if step not in self._held:
            while len(self._held) >= HELD:
                self._held.pop(next(iter(self._held)))
            self._held[step] = self._changed(self.run.snapshot(step), "")
        return self._held[step]

    def _changed(self, snapshot: Snapshot, permuted: str) -> Snapshot:
        if self.truth_of is not None:
            snapshot = snapshot.replace(task=self._task)
        if permuted == "labels":
            order = _order(snapshot.task.n_classes)
            snapshot = snapshot.replace(task=dataclasses.replace(snapshot.task, labels=order[snapshot.labels]))
        elif permuted == "symbols":
            return snapshot.mapped(lambda params: _reordered(params, snapshot.task.n_symbols))
        return snapshot

    @cached_property
    def _task(self) -> Task:
        """The run's task held against the truth of the other run: one for all steps, so that they share the last."""
        assert self.truth_of is not None
        other = self.truth_of.task
        return dataclasses.replace(self.run.task, truth=other.truth, answers=other.labels)

    @cached_property
    def _rows(self) -> dict[str, Rows]:
        return {}

    @cached_property
    def _answers(self) -> dict[Any, Number]:
        return {}

    @cached_property
    def _held(self) -> dict[int, Snapshot]:
        return {}


def _nearest(steps: np.ndarray, step: float) -> int:
    return int(steps[np.abs(np.log(np.maximum(steps, 1) / max(step, 1))).argmin()])


def gone(run: Run) -> Missing:
    """What is said of a run whose checkpoints were not kept."""
    return Missing(f"run {run.id} has no checkpoint: its numbers are in the store, its weights are not")


def _reordered(params: Mapping[str, torch.Tensor], n: int) -> dict[str, torch.Tensor]:
    table = params["W_E"].clone()
    table[:n] = table[_order(n)]
    return {**params, "W_E": table}


def _order(n: int) -> torch.Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(0))

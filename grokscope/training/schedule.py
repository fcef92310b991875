"""When a run is evaluated, when it is kept, and when it has learned enough."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grokscope.runs.config import RunConfig

# Outside the transition checkpoints are at least this many steps apart: 1.2 times a small step is no distance.
FIRST_CHECKPOINT = 25
# Checkpoints that are counted one by one.
COUNTED = 100_000
# Evaluations per doubling of the step, until they are evaluate_every apart: a resolution of about 10 %.
PER_DOUBLING = 8
# Fresh accuracy above which the transition is under way: chance is 1/n_classes, at most a few per cent.
TRANSITION_STARTS = 0.05


def is_evaluated(step: int, evaluate_every: int) -> bool:
    """Steps 0, 1, ..., 16, 18, ..., 32, 36, ...: eight per doubling, until every evaluate_every-th."""
    spacing = 1 << max(0, (step // PER_DOUBLING).bit_length() - 1)
    return step % min(spacing, evaluate_every) == 0


@dataclass(frozen=True)
class Evaluation:
    """What the schedule must know of one replica at one evaluated step; fresh is None where a task has no fresh
    inputs."""

    test_accuracy: float
    fresh_accuracy: float | None

    @property
    def structure(self) -> float:
        """Accuracy where symmetry does not help; see `fresh` in the store."""
        return self.test_accuracy if self.fresh_accuracy is None else self.fresh_accuracy


@dataclass
class Schedule:
    """When one pack is kept and when it stops, from its evaluations so far."""

    config: RunConfig
    last_checkpoint: int | None = None
    generalised_for: int = 0
    in_transition: bool = False

    def see(self, evaluations: Sequence[Evaluation]) -> None:
        """Takes note of one evaluation of all living replicas."""
        bar = self.config.stop_accuracy
        done = bool(evaluations) and all(min(e.test_accuracy, e.structure) >= bar for e in evaluations)
        self.generalised_for = self.generalised_for + 1 if done else 0
        self.in_transition = any(TRANSITION_STARTS < e.structure < bar for e in evaluations)

    def state(self) -> dict[str, Any]:
        """What a resumed pack must know of the schedule."""
        return {name: getattr(self, name) for name in ("last_checkpoint", "generalised_for", "in_transition")}

    def restore(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    @property
    def has_generalised(self) -> bool:
        return self.generalised_for >= self.config.stop_after

    def wants_checkpoint(self, step: int) -> bool:
        """At step 0, then on a logarithmic schedule, denser while any replica is within its transition."""
        last = self.last_checkpoint
        if last is None:
            return True
        due = max(math.ceil(last * self.config.checkpoint_ratio), last + FIRST_CHECKPOINT)
        if self.in_transition:
            due = min(due, last + self.config.checkpoint_every)
        return step >= due


def most_checkpoints(config: RunConfig) -> int:
    """The most checkpoints a run can come to: the logarithmic ones, with the whole run within the transition."""
    count, step = 2, 0
    while step < config.max_steps:
        if count > COUNTED:  # they only come further apart from here on
            return count + (config.max_steps - step) // max(1, min(FIRST_CHECKPOINT, config.checkpoint_every)) + 1
        sparse = max(math.ceil(step * config.checkpoint_ratio), step + FIRST_CHECKPOINT)
        step = min(sparse, step + config.checkpoint_every)
        count += 1
    return count

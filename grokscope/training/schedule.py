"""When a run is evaluated, when it gets a checkpoint, and when it stops."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grokscope.runs.config import RunConfig

# Least distance of checkpoints outside the transition [steps]: a factor of 1.2 is no distance at small steps.
FIRST_CHECKPOINT = 25
# Up to this number checkpoints are counted one by one.
COUNTED = 100_000
# Evaluations per doubling of the step, until they are evaluate_every apart: steps are resolved to about 10 %.
PER_DOUBLING = 8
# The transition starts above this fresh accuracy: chance is 1/n_classes, at most a few per cent.
TRANSITION_STARTS = 0.05


def is_evaluated(step: int, evaluate_every: int) -> bool:
    """Steps 0, 1, ..., 16, 18, ..., 32, 36, ...: eight per doubling, until every evaluate_every-th."""
    spacing = 1 << max(0, (step // PER_DOUBLING).bit_length() - 1)
    return step % min(spacing, evaluate_every) == 0


@dataclass
class Schedule:
    """When one pack gets a checkpoint and when it stops, from its evaluations so far."""

    config: RunConfig
    last_checkpoint: int | None = None
    generalised_for: int = 0
    in_transition: bool = False

    def see(self, evaluations: Sequence[Mapping[str, float]]) -> None:
        """Notes one evaluation of all living replicas: `test_accuracy` and `fresh_accuracy` of each, or NaN."""
        bar = self.config.stop_accuracy
        done = bool(evaluations) and all(min(e["test_accuracy"], _structure(e)) >= bar for e in evaluations)
        self.generalised_for = self.generalised_for + 1 if done else 0
        self.in_transition = any(TRANSITION_STARTS < _structure(e) < bar for e in evaluations)

    @property
    def has_generalised(self) -> bool:
        return self.generalised_for >= self.config.stop_after

    def wants_checkpoint(self, step: int) -> bool:
        """True at step 0, then on a logarithmic schedule, denser while any replica is in its transition."""
        last = self.last_checkpoint
        if last is None:
            return True
        due = max(math.ceil(last * self.config.checkpoint_ratio), last + FIRST_CHECKPOINT)
        if self.in_transition:
            due = min(due, last + self.config.checkpoint_every)
        return step >= due


def most_checkpoints(config: RunConfig) -> int:
    """The largest possible number of checkpoints: those of a run that is in its transition all the time."""
    count, step = 2, 0
    while step < config.max_steps:
        if count > COUNTED:  # the distances only grow from here on
            return count + (config.max_steps - step) // max(1, min(FIRST_CHECKPOINT, config.checkpoint_every)) + 1
        sparse = max(math.ceil(step * config.checkpoint_ratio), step + FIRST_CHECKPOINT)
        step = min(sparse, step + config.checkpoint_every)
        count += 1
    return count


def _structure(evaluation: Mapping[str, float]) -> float:
    """Accuracy where symmetry does not help: of the fresh inputs, or of all test inputs where none is fresh."""
    fresh = evaluation["fresh_accuracy"]
    return evaluation["test_accuracy"] if math.isnan(fresh) else fresh

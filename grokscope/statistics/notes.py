"""Notes on a run's curves: what their numbers seem to be, and what happened to them later."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from grokscope.statistics.held import ROUNDING

# The level at which losses are dated, where they are a cross-entropy [nats].
LOSS_THRESHOLD = 0.1
# The cost of the least uncertain guess, one between two classes: a loss that begins below it is seldom in nats.
LEAST_GUESS = math.log(2)
# Above the accuracy of guessing between two classes: a curve that begins there has learned already, or is in per cent.
BEYOND_GUESSING = 0.6


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a reader of the phases must know of one curve.

    kind: begins_high, an accuracy has risen at its first evaluation; begins_low, a loss has fallen there to the given
    level; relative, a loss begins below LOSS_THRESHOLD and so has a level of its own; small, a loss begins below
    LEAST_GUESS; forgotten, the memorised is lost again. step: where that happens. value: of the curve there. level: at
    which it is dated.
    """

    kind: Literal["begins_high", "begins_low", "relative", "small", "forgotten"]
    curve: str
    step: int
    value: float
    level: float

    def __str__(self) -> str:
        return NOTES[self.kind].format(
            curve=self.curve, step=self.step, value=f"{self.value:.3g}", level=f"{self.level:.3g}"
        )


NOTES = {
    "begins_high": "{curve} is {value} at its first evaluation, step {step}: what came before is not in the curve, or "
    "it is in per cent",
    "begins_low": "{curve} is {value} at its first evaluation, step {step}, already within the level {level} that was "
    "asked for",
    "relative": "{curve} begins at {value}, step {step}: it is no cross-entropy in nats, or has been learned before; "
    "it is dated where it falls to {level}, a share of where it begins (loss_share), for want of a loss_threshold",
    "small": "{curve} begins at {value}, step {step}, less than guessing between two classes costs in nats; it is "
    "dated where it falls to {level} (loss_threshold)",
    "forgotten": "{curve} counts as memorised, and stays beyond {level} again from step {step} on ({value} there)",
}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The curve of one split. level: at which it is dated. reached: the first step that holds it. start: its first
    values, from the step `begins` on, at most `stable` of them. lost: step and value from which it stays beyond the
    level."""

    curve: str
    level: float
    begins: int | None
    start: Sequence[float]
    reached: int | None
    lost: tuple[int, float] | None


def notes(stages: Mapping[str, Stage], threshold: float | None, stable: int) -> Iterator[Note]:
    """The notes on the curves of both splits. threshold, stable: arguments of `transitions.phases`."""
    for split, stage in stages.items():
        start, level = stage.start, stage.level
        if stage.begins is None or len(start) < stable:
            continue
        about: dict[str, Any] = {"curve": stage.curve, "step": stage.begins, "value": start[0], "level": level}
        if stage.curve.endswith("accuracy"):
            if min(start) >= min(level, BEYOND_GUESSING) - ROUNDING:
                yield Note(kind="begins_high", **about)
        elif threshold is not None and max(start) <= threshold:
            yield Note(kind="begins_low", **about)
        elif threshold is None and max(start) < LOSS_THRESHOLD - ROUNDING:
            yield Note(kind="relative", **about)
        elif threshold is None and max(start) < LEAST_GUESS:
            yield Note(kind="small", **about)
        if split == "train" and stage.lost is not None:
            yield Note(kind="forgotten", **(about | {"step": stage.lost[0], "value": stage.lost[1]}))

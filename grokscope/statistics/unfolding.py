"""The phases of a run that is still training: evaluations come one by one, and each is read once.

They equal `transitions.phases` of all evaluations so far, at its default thresholds.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grokscope.statistics.held import ROUNDING, onset
from grokscope.statistics.notes import Stage
from grokscope.statistics.transitions import SHARES, Phases, assembled, loss_level, phases

RULES: dict[str, Any] = phases.__kwdefaults__ or {}
STABLE: int = RULES["stable"]


@dataclass
class _Crossing:
    """Where a curve first holds a height, and where it falls below for good."""

    height: float
    reached: int | None = None
    lost: tuple[int, float] | None = None
    _above: list[int] = field(default_factory=list)  # steps of the present stretch, at most STABLE
    _below: list[tuple[int, float]] = field(default_factory=list)

    def add(self, step: int, value: float) -> None:
        if value >= self.height - ROUNDING:
            self._below.clear()
            self._above = [*self._above, step][:STABLE]
            if len(self._above) == STABLE:
                self.reached = self._above[0] if self.reached is None else self.reached
                self.lost = None
            return
        self._above.clear()
        if self.reached is not None and self.lost is None:
            self._below.append((step, value))
            if len(self._below) == STABLE:
                self.lost = self._below[0]


class _Unfolding:
    """One curve and the height at which it is dated; for a loss, its first values decide the height."""

    def __init__(self, name: str, level: float | None) -> None:
        self.name, self.level = name, level
        self.start: list[tuple[int, float]] = []
        self.crossing = None if level is None else _Crossing(level)

    def add(self, step: int, value: float) -> None:
        if len(self.start) < STABLE:
            self.start.append((step, value))
            if self.level is None and len(self.start) == STABLE:
                self.crossing = _Crossing(-self._loss_level())
                for at, loss in self.start:
                    self.crossing.add(at, -loss)
                return
        if self.crossing is not None:
            self.crossing.add(step, value if self.level is not None else -value)

    def stage(self) -> Stage:
        reached, lost = (self.crossing.reached, self.crossing.lost) if self.crossing else (None, None)
        return Stage(
            curve=self.name,
            level=self._loss_level() if self.level is None else self.level,
            begins=self.start[0][0],
            start=[value for _, value in self.start],
            reached=reached,
            lost=lost if lost is None or self.level is not None else (lost[0], -lost[1]),
        )

    def _loss_level(self) -> float:
        return loss_level([loss for _, loss in self.start], RULES["loss_threshold"], RULES["loss_share"])


class Unfolding:
    """The curves of one run so far."""

    def __init__(self) -> None:
        self._curves = {
            f"{split}_{kind}": _Unfolding(f"{split}_{kind}", level)
            for split in ("train", "test")
            for kind, level in (("accuracy", RULES[f"{split}_threshold"]), ("loss", None))
        }
        self._shares = [_Crossing(share) for share in SHARES]
        self._losses: tuple[list[int], list[float]] = [], []  # on the test inputs
        self._onsets: dict[tuple[int, int], int | None] = {}  # windows whose answer is final
        self._last: int | None = None

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """One evaluation, later than the last. A curve without a value, or with NaN, was not evaluated."""
        for name, curve in self._curves.items():
            value = values.get(name, math.nan)
            if not (math.isfinite(value) if name.endswith("accuracy") else value > -math.inf):
                continue
            curve.add(step, value)
            self._last = step
            for share in self._shares if name == "test_accuracy" else ():
                share.add(step, value)
            if name == "test_loss":
                self._losses[0].append(step)
                self._losses[1].append(value)

    def phases(self) -> Phases:
        """The phases so far: from accuracies, or, in a task without right answers, from losses."""
        stages: dict[str, Stage] = {}
        for split in ("train", "test"):
            known = [self._curves[f"{split}_{kind}"] for kind in ("accuracy", "loss")]
            if curve := next((curve for curve in known if curve.start), None):
                stages[split] = curve.stage()
        return assembled(
            stages,
            onset_in=self._onset,
            crossed=[share.reached for share in self._shares],
            last_at=self._last,
            rules=RULES,
        )

    def _onset(self, t_mem: int, t_gen: int) -> int | None:
        """Kept once it is final: when `stable` - 1 losses lie beyond the window."""
        if (t_mem, t_gen) in self._onsets:
            return self._onsets[t_mem, t_gen]
        steps, losses = self._losses
        answer = onset((np.array(steps, np.int64), np.array(losses, float)), t_mem, t_gen, STABLE)
        if t_gen <= t_mem or sum(step > t_gen for step in steps[-STABLE:]) >= STABLE - 1:
            self._onsets[t_mem, t_gen] = answer
        return answer

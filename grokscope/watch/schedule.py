"""When a watch looks, and what it can afford."""

import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from grokscope.training.schedule import PER_DOUBLING

FARTHEST = 200  # steps between looks
BEND = 0.02  # change of an accuracy between two looks that makes the next ones denser [1]
DENSEST = 8  # looks are at most this many times as dense in a bend
RATIO = 1.2  # of the steps of two checkpoints
FIRST = 25  # least distance of checkpoints [steps]
BEYOND = 1.25  # what a look costs the training (cold caches), over its own wall time: 1.2 to 1.3 in benchmarks.watch
GUESS = 0.5  # seconds of a heavy measure that was never taken


@dataclass
class Schedule:
    """Which steps are looked at. every: each so many steps; or "log": eight looks per doubling of the step until they
    are FARTHEST apart, and where an accuracy bends half as far apart, down to an eighth.

    A look that is missed (a loop that calls only each tenth step) is made up for at the next call.
    """

    every: int | Literal["log"]
    next_look: int = 0
    next_checkpoint: int = 0
    _last: float | None = None
    _denser: int = 1

    def __post_init__(self) -> None:
        if self.every != "log" and (not isinstance(self.every, int) or self.every < 1):
            raise ValueError(f'every = {self.every!r}: expected a number of steps, or "log"')

    def is_due(self, step: int) -> bool:
        return step >= self.next_look

    def looked(self, step: int, accuracy: float | None) -> None:
        """Notes a look and plans the next. accuracy: of the held-out points."""
        if accuracy is not None and self._last is not None:
            bends = abs(accuracy - self._last) > BEND
            self._denser = min(self._denser * 2, DENSEST) if bends else max(self._denser // 2, 1)
        self._last = accuracy
        spacing = self.every if self.every != "log" else self._spacing(step)
        self.next_look = (step // spacing + 1) * spacing

    def _spacing(self, step: int) -> int:
        return min(1 << max(0, (step // PER_DOUBLING).bit_length() - 1), FARTHEST // self._denser)

    def wants_checkpoint(self, step: int) -> bool:
        if step < self.next_checkpoint:
            return False
        self.next_checkpoint = max(math.ceil(step * RATIO), step + FIRST)
        return True


@dataclass
class Budget:
    """At most a share of the wall time since the start goes into looking. share: None: no limit.

    A measure is skipped while what it took last time is more than what is left; `skipped` counts by id.
    """

    share: float | None
    clock: Callable[[], float] = time.perf_counter
    spent: float = 0.0
    skipped: Counter[str] = field(default_factory=Counter)
    _took: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.share is not None and not 0 < self.share <= 1:
            raise ValueError(f"budget = {self.share}: expected a share of the wall time in (0, 1]")
        self._start = self.clock()
        self._since: float | None = None  # when the present look began

    @property
    def seconds(self) -> tuple[float, float]:
        """Wall time of the training, and of the looks."""
        return self.clock() - self._start - self.spent, self.spent

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """Counts what is done within as spent."""
        self._since = self.clock()
        try:
            yield
        finally:
            self.spent += self.clock() - self._since
            self._since = None

    def allows(self, what: str, guess: float = 0.0) -> bool:
        """Whether there is time for it; if not, it counts as skipped."""
        if self.share is None:
            return True
        now = self.clock()
        spent = self.spent + (0.0 if self._since is None else now - self._since)
        left = self.share / BEYOND * (now - self._start) - spent
        if self._took.get(what, guess) <= max(left, 0.0):
            return True
        self.skipped[what] += 1
        return False

    def spend_all(self) -> None:
        """Counts all time so far as spent: the training has not begun."""
        self.spent = self.clock() - self._start

    def has_taken(self, what: str) -> bool:
        return what in self._took

    def took(self, what: str, seconds: float) -> None:
        self._took[what] = seconds

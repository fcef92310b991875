"""How far a plan is: a line a pack; in a log at most one every ten seconds, beside failures and the last one."""

import math
import sys
import time
from collections.abc import Callable

from grokscope.studies.display import clock
from grokscope.studies.executors.base import Outcome

Say = Callable[[str], None]
LOG_SECONDS = 10.0


class PackLines:
    """Says what became of each pack. total: packs to come. slots: at a time. say: takes a line."""

    def __init__(self, total: int, slots: int, say: Say) -> None:
        self._total, self._slots, self._say = total, slots, say
        self._ended = self._failed = 0
        self._began, self._last = time.monotonic(), -math.inf

    def add(self, outcome: Outcome, pending: int) -> None:
        """One more pack has ended. pending: packs that the engine has now, in training or in its queue."""
        self._ended += 1
        failed = outcome.state == "failed"
        self._failed += failed
        now = time.monotonic()
        if failed or self._ended == self._total or sys.stderr.isatty() or now - self._last >= LOG_SECONDS:
            self._last = now
            self._say(self._line(outcome, min(pending, self._slots), now - self._began))

    def _line(self, outcome: Outcome, running: int, seconds: float) -> str:
        how = f"failed: {outcome.reason}" if outcome.state == "failed" else f"done in {clock(outcome.seconds)}"
        left = self._total - self._ended
        counts = (
            f"{self._ended - self._failed} done, {self._failed} failed, {running} running, {left - running} to begin"
        )
        rest = f"; about {clock(seconds / self._ended * left)} left" if left else ""
        return f"pack {self._ended} of {self._total}, {outcome.pack}: {how}; {counts}{rest}"

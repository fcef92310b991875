"""Limits of time, memory and rows for a query, kept from outside: it works in a thread, whoever asked waits beside it.

DuckDB looks for an interruption between vectors of 2,048 rows, and its own memory limit does not count the long strings
that a single expression makes. So the waiting side watches the clock and the memory of the process, and waits no longer
than GRACE for the other to end; a thread that is still within one expression then ends by itself, or with the process.
"""

import math
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from grokscope.errors import GrokscopeError

Cells: TypeAlias = tuple[Any, ...]

TIMEOUT = 60.0  # [s]
MAX_ROWS = 1_000_000
MEMORY = "1GB"  # about 10^7 numbers
GRACE = 0.2  # for an interrupted query to end [s]
# How often the clock and the memory are looked at [s].
_TICK = 0.02
# A reader that pauses, such as a pager, costs the query no more than this of its time [s].
_PAUSE = 0.5
# Chunks that are found ahead of the reader.
_AHEAD = 4
# Memory of the process may grow by so much more than DuckDB's limit: rows on their way, and Python's own tables.
_BESIDE = 1.25
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_LEAST = 16 * 10**6  # DuckDB itself needs a few MB
_END, _NAME = object(), "grokscope query"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """timeout [s], max_rows, memory (a number with its unit). ValueError for what is none."""

    timeout: float = TIMEOUT
    max_rows: int = MAX_ROWS
    memory: str = MEMORY

    def __post_init__(self) -> None:
        if not (isinstance(self.timeout, int | float) and 0 < self.timeout < math.inf):
            raise ValueError(f"timeout must be a number of seconds above 0, got {self.timeout}")
        if not (isinstance(self.max_rows, int) and self.max_rows >= 1):
            raise ValueError(f"max_rows must be a whole number of at least 1, got {self.max_rows}")
        if not _LEAST <= self.bytes < 2**63:
            raise ValueError(f"memory must be at least {_LEAST // 10**6}MB, got {self.memory}")

    @property
    def bytes(self) -> float:
        """The memory [bytes]."""
        found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?) ?([KMGT]I?B)", str(self.memory).upper())
        if not found:
            raise ValueError(f"memory is a number with its unit, such as 500MB or 4GB; got {str(self.memory)[:40]!r}")
        return float(found[1]) * _UNITS[found[2]]

    def reached(self, which: str) -> GrokscopeError:
        """The error of the limit `timeout`, `max_rows` or `memory`."""
        value, option = getattr(self, which), which.replace("_", "-")
        limit = {
            "timeout": f"takes longer than {value:g} s" if which == "timeout" else "",
            "max_rows": f"has more than {value:,} rows" if which == "max_rows" else "",
            "memory": f"needs more than {value} of memory",
        }[which]
        advice = {"max_rows": "add LIMIT or an aggregate to the SQL"}.get(which, "ask for less")
        return GrokscopeError(f"the query {limit}; {advice}, or raise the limit: --{option} (in Python {which}=)")


@contextmanager
def limited(answers: Callable[[], Generator[Any, None, None]], limits: Limits) -> Iterator[Iterator[Any]]:
    """What `answers` gives after the first, which can be interrupted (a connection): a list of columns, then chunks of
    rows. GrokscopeError where a limit is reached; the rows before it were given.
    """
    work = _Work(answers)
    work.thread.start()
    try:
        yield _within(work, limits)
    finally:
        work.end()


def at_work() -> bool:
    """Whether a query that was given up is still within an expression: only the end of the process ends it at once."""
    return any(thread.name == _NAME for thread in threading.enumerate())


class _Work:
    """The thread, and what it has found."""

    def __init__(self, answers: Callable[[], Generator[Any, None, None]]) -> None:
        self.found: queue.Queue[Any] = queue.Queue(_AHEAD)
        self._answers = answers
        self._connection: Any = None
        self._ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True, name=_NAME)

    def end(self) -> None:
        """Interrupts it, and waits a little."""
        self._ended.set()
        deadline = time.monotonic() + GRACE
        while self.thread.is_alive() and time.monotonic() < deadline:
            if self._connection is not None:
                with suppress(Exception):  # it may be closed just now
                    self._connection.interrupt()
            self.thread.join(_TICK)

    def _run(self) -> None:
        answers = self._answers()
        try:
            self._connection = next(answers)
            for one in answers:
                self._give(one)
            self._give(_END)
        except BaseException as error:  # raised again where the answer is waited for
            self._give(error)
        finally:
            answers.close()

    def _give(self, one: Any) -> None:
        while not self._ended.is_set():
            with suppress(queue.Full):
                return self.found.put(one, timeout=_TICK)
        return None


def _within(work: _Work, limits: Limits) -> Iterator[Any]:
    before, left, last = _resident(), limits.timeout, time.monotonic()
    rows = -1  # the columns are no row
    while True:
        try:
            one = work.found.get(timeout=_TICK)
        except queue.Empty:
            one = None
        now = time.monotonic()
        left, last = left - min(now - last, _PAUSE), now
        if one is _END:
            return
        if isinstance(one, BaseException):
            raise one
        if left <= 0:
            raise limits.reached("timeout")
        if _resident() - before > _BESIDE * limits.bytes:
            raise limits.reached("memory")
        if one is None:
            continue
        if rows < 0:
            rows = 0
            yield one
            continue
        yield one[: limits.max_rows - rows]
        rows += len(one)
        if rows > limits.max_rows:
            raise limits.reached("max_rows")


def _resident() -> int:
    """Memory of this process [bytes]; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0

"""Limits of time, memory and rows for a query, kept from outside: the query runs in a thread, the caller waits.

DuckDB checks for an interruption between vectors of 2,048 rows, and its memory limit does not count the long strings of
a single expression. So the caller watches the clock and the memory of the process. At a limit it waits at most GRACE
for the thread; a thread that is still within one expression ends later by itself, or with the process.
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
GRACE = 0.2  # wait for an interrupted query [s]
_TICK = 0.02  # time between two looks at the clock and the memory [s]
_PAUSE = 0.5  # a pause of the reader, such as a pager, counts at most this much [s]
_AHEAD = 4  # chunks that the query may be ahead of the reader
# Factor on DuckDB's limit for the growth of the process: rows on their way, and Python's own tables.
_BESIDE = 1.25
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_LEAST = 16 * 10**6  # DuckDB itself needs a few MB
_END, _NAME = object(), "grokscope query"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """timeout [s], max_rows, memory (a number with its unit). ValueError for anything else."""

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
        size = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?) ?([KMGT]I?B)", str(self.memory).upper())
        if not size:
            raise ValueError(f"memory is a number with its unit, such as 500MB or 4GB; got {str(self.memory)[:40]!r}")
        return float(size[1]) * _UNITS[size[2]]

    def reached(self, which: str) -> GrokscopeError:
        """The error of the limit `timeout`, `max_rows` or `memory`."""
        limit, advice = {
            "timeout": (f"takes longer than {self.timeout:g} s", "ask for less"),
            "max_rows": (f"has more than {self.max_rows:,} rows", "add LIMIT or an aggregate to the SQL"),
            "memory": (f"needs more than {self.memory} of memory", "ask for less"),
        }[which]
        option = which.replace("_", "-")
        return GrokscopeError(f"the query {limit}; {advice}, or raise the limit: --{option} (in Python {which}=)")


@contextmanager
def limited(answers: Callable[[], Generator[Any, None, None]], limits: Limits) -> Iterator[Iterator[Any]]:
    """The answers of a query: a list of columns, then chunks of rows. The first of `answers` is the connection, which
    can be interrupted. GrokscopeError at a limit; the rows before it were given.
    """
    work = _Work(answers)
    work.thread.start()
    try:
        yield _within(work, limits)
    finally:
        work.end()


def at_work() -> bool:
    """Whether an abandoned query is still within an expression: only the end of the process ends it at once."""
    return any(thread.name == _NAME for thread in threading.enumerate())


class _Work:
    """The thread of a query, and the queue of its answers."""

    def __init__(self, answers: Callable[[], Generator[Any, None, None]]) -> None:
        self.queue: queue.Queue[Any] = queue.Queue(_AHEAD)
        self._answers = answers
        self._connection: Any = None
        self._ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True, name=_NAME)

    def end(self) -> None:
        """Interrupts the query, and waits a little."""
        self._ended.set()
        deadline = time.monotonic() + GRACE
        while self.thread.is_alive() and time.monotonic() < deadline:
            if self._connection is not None:
                with suppress(Exception):  # it may have just been closed
                    self._connection.interrupt()
            self.thread.join(_TICK)

    def _run(self) -> None:
        answers = self._answers()
        try:
            self._connection = next(answers)
            for answer in answers:
                self._give(answer)
            self._give(_END)
        except BaseException as error:  # raised again on the side of the caller
            self._give(error)
        finally:
            answers.close()

    def _give(self, answer: Any) -> None:
        while not self._ended.is_set():
            with suppress(queue.Full):
                return self.queue.put(answer, timeout=_TICK)
        return None


def _within(work: _Work, limits: Limits) -> Iterator[Any]:
    """The answers of the thread, as long as no limit is reached."""
    before, left, last = _resident(), limits.timeout, time.monotonic()
    rows = -1  # the columns are no row
    while True:
        try:
            answer = work.queue.get(timeout=_TICK)
        except queue.Empty:
            answer = None
        now = time.monotonic()
        left, last = left - min(now - last, _PAUSE), now
        if answer is _END:
            return
        if isinstance(answer, BaseException):
            raise answer
        if left <= 0:
            raise limits.reached("timeout")
        if _resident() - before > _BESIDE * limits.bytes:
            raise limits.reached("memory")
        if answer is None:
            continue
        if rows < 0:
            rows = 0
            yield answer
            continue
        yield answer[: limits.max_rows - rows]
        rows += len(answer)
        if rows > limits.max_rows:
            raise limits.reached("max_rows")


def _resident() -> int:
    """Memory of this process [bytes]; 0 if the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0

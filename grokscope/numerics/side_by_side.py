"""Pieces of a step side by side, with the same result on any number of threads.

torch splits each operation among its threads. Small networks gain nothing by that: most operations are too short, and
the threads wait for each other after each. Here a step is cut into pieces of many operations, by sizes alone. Threads
of Python take the pieces; torch has one thread in each. Operations let go of the interpreter's lock. Which thread takes
a piece changes no result, as long as pieces write to different places and their sums are added in a fixed order.

A thread that finds no piece left goes on. So a processor that another program takes costs little: the others do its
pieces. torch's own threads must not work within a step: they spin for a while after each operation.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread, local

import torch

Job = Callable[[], object]
_here = local()  # helpers: those that jobs of this thread may call upon
_helpers: list["_Helper"] = []


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Within it torch works on one thread, and `side_by_side` has as many as torch had before."""
    n_threads = torch.get_num_threads()
    if n_threads == 1:
        yield
        return
    while len(_helpers) < n_threads - 1:
        _helpers.append(_Helper())
    torch.set_num_threads(1)
    _here.helpers = _helpers[: n_threads - 1]
    try:
        yield
    finally:
        _here.helpers = []
        torch.set_num_threads(n_threads)


def side_by_side(jobs: Sequence[Job]) -> None:
    """Does all jobs; the first error is raised when none is at work any more. Jobs within jobs are done in order."""
    helpers = getattr(_here, "helpers", [])
    if not helpers or len(jobs) == 1:
        for job in jobs:
            job()
        return
    round_ = _Round(jobs)
    for helper in helpers[: len(jobs) - 1]:
        helper.rounds.put(round_)
    _here.helpers = []
    try:
        done = round_.work()
        for _ in range(len(jobs) - done):
            round_.finished.get()
    finally:
        _here.helpers = helpers
    if round_.errors:
        raise round_.errors[0]


class _Round:
    """Jobs that threads take one by one."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._left = iter(jobs)
        self.finished: SimpleQueue[None] = SimpleQueue()
        self.errors: list[BaseException] = []

    def work(self) -> int:
        """Does jobs until none is left; how many it did."""
        done = 0
        for job in self._left:
            try:
                job()
            except BaseException as error:  # the thread that waits for the round raises it
                self.errors.append(error)
            done += 1
        return done


class _Helper(Thread):
    """A thread that lives as long as the process and helps in the rounds that it is given."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="grokscope-step")
        self.rounds: SimpleQueue[_Round] = SimpleQueue()
        self._ready = SimpleQueue[None]()
        self.start()
        self._ready.get()

    def run(self) -> None:
        torch.set_num_threads(1)
        self._ready.put(None)
        with torch.no_grad():
            while True:
                round_ = self.rounds.get()
                for _ in range(round_.work()):
                    round_.finished.put(None)
                del round_  # its jobs hold arrays

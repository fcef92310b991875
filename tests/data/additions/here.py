"""Packs in this process, one after another."""

from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from grokscope.studies.executors.base import work


class Here:
    def __init__(self, slots, threads) -> None:
        self.slots, self.threads = slots, threads

    def submit(self, job):
        outcome = Future()
        outcome.set_result(work(job))
        (Path(job.store) / job.pack / "here").write_text("trained here")
        return outcome


@contextmanager
def here(*, slots, threads, address=None, device="cpu"):
    yield Here(slots, threads)

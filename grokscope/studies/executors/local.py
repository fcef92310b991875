"""Packs on this machine: worker processes times threads are as many as there are cores."""

import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict

from grokscope.studies.executors.base import TRIES, Job, Outcome
from grokscope.studies.worker import Worker, environment
from grokscope.training.device import visible_gpus

WORK = "grokscope.studies.executors.base:worked"


@contextmanager
def local(
    *,
    slots: int,
    threads: int,
    address: str | None = None,
    device: str = "cpu",
) -> Iterator["Local"]:
    """The engine; leaving the block ends all its workers. address: must be None, else ValueError."""
    if address is not None:
        raise ValueError(f"--address {address} joins a Ray cluster: it needs --engine ray")
    engine = Local(slots=slots, threads=threads, gpus=visible_gpus() if device == "cuda" else ())
    try:
        yield engine
    finally:
        engine.close()


class Local:
    """Each slot is a thread that waits for its own worker process, and starts a new one when that has died. gpus: names
    of those that the workers share; each sees one."""

    def __init__(self, *, slots: int, threads: int, gpus: Sequence[str] = ()) -> None:
        self.slots, self.threads = slots, threads
        self._gpus = iter(in_turn(slots, gpus))
        self._pool = ThreadPoolExecutor(slots)
        self._mine = threading.local()
        self._workers: list[Worker] = []
        self._starting = threading.Lock()  # no worker starts while they are ended, nor later
        self._closed = False

    def submit(self, job: Job) -> "Future[Outcome]":
        return self._pool.submit(self._run, job)

    def close(self) -> None:
        """Ends the workers, also in the middle of a pack: it resumes from its resume point the next time."""
        with self._starting:
            self._closed = True
            for worker in self._workers:
                worker.kill()
        self._pool.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.end()

    def _run(self, job: Job) -> Outcome:
        code = 0
        for _ in range(TRIES):
            if (worker := self._worker()) is None:
                return Outcome(pack=job.pack, state="failed", reason="the engine was closed")
            if answer := worker.ask(asdict(job)):
                return Outcome(**answer)
            self._mine.worker = None
            code = worker.end()
        died = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return Outcome(
            pack=job.pack,
            state="failed",
            reason=f"its worker died {TRIES} times, the last time {died} (out of memory?)",
        )

    def _worker(self) -> Worker | None:
        """This thread's worker, started where there is none; None once the engine is closed."""
        with self._starting:
            if self._closed:
                return None
            if (worker := getattr(self._mine, "worker", None)) is None:
                if not hasattr(self._mine, "gpu"):
                    self._mine.gpu = next(self._gpus)
                worker = self._mine.worker = Worker(WORK, environment(self.threads) | self._mine.gpu)
                self._workers.append(worker)
            return worker


def in_turn(slots: int, gpus: Sequence[str]) -> list[dict[str, str]]:
    """What each worker's environment says of GPUs: one of them, its own as long as there are others."""
    return [{"CUDA_VISIBLE_DEVICES": gpus[slot % len(gpus)]} if gpus else {} for slot in range(slots)]

"""Packs on this machine: worker processes times threads are as many as there are cores."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict

from grokscope.studies.executors.base import TRIES, Job, Outcome, environment
from grokscope.training.device import visible_gpus


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
        self._children: list[subprocess.Popen[str]] = []
        self._starting = threading.Lock()  # no worker starts while they are ended, nor later
        self._closed = False

    def submit(self, job: Job) -> "Future[Outcome]":
        return self._pool.submit(self._run, job)

    def close(self) -> None:
        """Ends the workers, also in the middle of a pack: it resumes from its resume point the next time."""
        with self._starting:
            self._closed = True
            for child in self._children:
                child.kill()
        self._pool.shutdown(cancel_futures=True)
        for child in self._children:
            _end(child)

    def _run(self, job: Job) -> Outcome:
        code = 0
        for _ in range(TRIES):
            if (child := self._child()) is None:
                return Outcome(pack=job.pack, state="failed", reason="the engine was closed")
            answer = _ask(child, json.dumps(asdict(job)))
            if answer:
                return Outcome(**json.loads(answer))
            self._mine.child = None
            code = _end(child)
        died = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return Outcome(
            pack=job.pack,
            state="failed",
            reason=f"its worker died {TRIES} times, the last time {died} (out of memory?)",
        )

    def _child(self) -> "subprocess.Popen[str] | None":
        """This thread's worker, started where there is none; None once the engine is closed."""
        with self._starting:
            if self._closed:
                return None
            if (child := getattr(self._mine, "child", None)) is None:
                child = self._mine.child = self._start()
                self._children.append(child)
            return child

    def _start(self) -> "subprocess.Popen[str]":
        if not hasattr(self._mine, "gpu"):
            self._mine.gpu = next(self._gpus)
        # -P: a file called torch.py in the user's folder must not be imported.
        command = [sys.executable, "-P", "-m", "grokscope.studies.executors._child"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                env=os.environ | environment(self.threads) | self._mine.gpu)  # fmt: skip


def in_turn(slots: int, gpus: Sequence[str]) -> list[dict[str, str]]:
    """What each worker's environment says of GPUs: one of them, its own as long as there are others."""
    return [{"CUDA_VISIBLE_DEVICES": gpus[slot % len(gpus)]} if gpus else {} for slot in range(slots)]


def _ask(child: "subprocess.Popen[str]", question: str) -> str:
    """The child's answer; empty when it dies before it has one."""
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(question + "\n")
        child.stdin.flush()
        return child.stdout.readline()
    except (OSError, ValueError):  # the pipe is broken, or closed
        return ""


def _end(child: "subprocess.Popen[str]") -> int:
    child.kill()
    for stream in (child.stdin, child.stdout):
        try:
            if stream is not None:
                stream.close()
        except OSError:  # what was written last cannot be delivered any more
            pass
    return child.wait()

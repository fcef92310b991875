"""Packs as jobs of SLURM, by submitit: one job is one pack; the only thing that travels back is its outcome.

The store, the folder that the command is started in and grokscope must be at the same path on every node. The files of
the jobs lie in the folder `slurm` there, and stay where a job was lost. At the address "local" the same jobs run on
this machine, without SLURM.
"""

import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError
from grokscope.registry import shortened, unknown
from grokscope.studies.executors.base import TRIES, Job, Outcome, work
from grokscope.studies.worker import environment

FOLDER = "slurm"  # of the jobs' files
SECONDS = 1.0  # between two looks at a job; sacct is asked more rarely, by submitit


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What each job asks SLURM for. time: minutes; a job that it does not suffice goes on in the next try. memory: GB.
    gpus: of a job that trains on one. parallel: jobs that are in the queue or run, together."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    time: int = 240
    cpus: int = 1
    gpus: int = 1
    memory: int | None = None
    parallel: int = 64


def read_settings(texts: Sequence[str]) -> Settings:
    """From KEY=VALUE. ValueError of one line for an unknown key and for a value that is none."""
    known = {field.name: "int" in str(field.type) for field in fields(Settings)}
    given: dict[str, Any] = {}
    for text in texts:
        key, _, value = text.partition("=")
        if key not in known:
            raise ValueError(unknown("key of --slurm", key, known))
        if not re.fullmatch("[1-9][0-9]{0,6}" if known[key] else ".+", value):
            what = "a whole number above 0" if known[key] else "a name"
            raise ValueError(f"--slurm {key}= takes {what}, got {shortened(text)}")
        given[key] = int(value) if known[key] else value
    return Settings(**given)


@contextmanager
def slurm(
    *,
    slots: int,  # noqa: ARG001  of this machine, where no job runs
    threads: int,  # noqa: ARG001
    address: str | None = None,
    device: str = "cpu",
    settings: Settings | None = None,
) -> Iterator["Slurm"]:
    """The engine; leaving the block ends all its jobs. GrokscopeError without submitit or SLURM."""
    try:
        import submitit
    except ImportError as error:
        raise GrokscopeError("the engine slurm needs submitit: pip install 'grokscope[slurm]'") from error
    if address not in (None, "local"):
        raise ValueError(f'--address of --engine slurm is "local", or left out on a cluster; got {shortened(address)}')
    if address is None and not (shutil.which("sbatch") and shutil.which("srun")):
        raise GrokscopeError(
            "this machine has no sbatch: start the command where you submit jobs, or try the same jobs here with "
            "--address local"
        )
    Path(FOLDER).mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=FOLDER)).absolute()
    engine = Slurm(submitit, address or "slurm", settings or Settings(), device, folder)
    try:
        yield engine
    finally:
        engine.close()
        if not engine.lost:
            shutil.rmtree(folder, ignore_errors=True)


class Slurm:
    """Each slot is a thread that submits a job, waits for it, and submits it again where it was lost. lost: whether one
    was."""

    def __init__(self, submitit: Any, cluster: str, settings: Settings, device: str, folder: Path) -> None:
        self.slots, self.threads, self.lost = settings.parallel, settings.cpus, False
        self._cluster = cluster
        self._pool, self._closed = ThreadPoolExecutor(self.slots), threading.Event()
        self._submitting, self._refusal = threading.Lock(), ""  # submitit's executor is not made for threads
        variables = [f"{name}={value}" for name, value in environment(settings.cpus).items()]
        # -P: a file called torch.py in the user's folder must not be imported.
        python = shlex.join(["env", *variables, sys.executable, "-P"])
        own = {f"{cluster}_python": python, f"{cluster}_max_num_timeout": 0}
        self._executor = submitit.AutoExecutor(folder=folder, cluster=cluster, **own)
        of_slurm = {f"slurm_{name}": getattr(settings, name) for name in ("partition", "account", "qos")}
        self._executor.update_parameters(
            name="grokscope",
            timeout_min=settings.time,
            cpus_per_task=settings.cpus,
            gpus_per_node=settings.gpus if device == "cuda" else None,
            mem_gb=settings.memory,
            **of_slurm,
        )

    def submit(self, job: Job) -> "Future[Outcome]":
        return self._pool.submit(self._run, job)

    def close(self) -> None:
        """Ends the jobs, also in the middle of a pack: it resumes from its resume point the next time."""
        self._closed.set()
        self._pool.shutdown(cancel_futures=True)

    def _run(self, job: Job) -> Outcome:
        reason = "the engine was closed"
        for _ in range(TRIES):
            sent = self._sent(job)
            if isinstance(sent, str):
                return Outcome(pack=job.pack, state="failed", reason=f"not submitted: {sent}", fatal=True)
            answer = self._answer(sent) if sent else None
            if answer is None:
                break
            if isinstance(answer, dict):
                return Outcome(**answer)
            self.lost = True
            reason = f"its job was lost {TRIES} times, the last time {answer}"
        return Outcome(pack=job.pack, state="failed", reason=reason)

    def _sent(self, job: Job) -> Any:
        """A job of submitit; why there is none, where sbatch says no again and again; None once the engine is
        closed."""
        with self._submitting:
            refusal = self._refusal  # what it says to one job it says to every other
            for _ in range(TRIES if not refusal else 0):
                if self._closed.is_set():
                    return None
                try:
                    return self._executor.submit(_task, asdict(job))
                except Exception as error:
                    refusal = _last(error)
                    self._closed.wait(SECONDS)
            self._refusal = refusal
            return refusal

    def _answer(self, sent: Any) -> dict[str, Any] | str | None:
        """The outcome of a job, in JSON's types; or what became of it where it has none; None once the engine is
        closed."""
        while not sent.done():
            if self._closed.wait(SECONDS):
                if self._cluster == "local":  # submitit sends it SIGINT, which a background job of a shell ignores
                    os.kill(int(sent.job_id), signal.SIGKILL)
                else:
                    sent.cancel(check=False)
                return None
        try:
            return sent.result()
        except Exception as error:
            return f"{sent.state} (job {sent.job_id}, logs in {sent.paths.folder}): {_last(error)}"


def _task(job: dict[str, Any]) -> dict[str, Any]:
    if parent := os.environ.get("SUBMITIT_LOCAL_JOB_ID"):
        threading.Thread(target=_end_with, args=[int(parent)], daemon=True).start()
    return asdict(work(Job(**job)))


def _end_with(parent: int) -> None:
    """A job of this machine ends with the process that started it, as one of SLURM does."""
    while os.getppid() == parent:
        time.sleep(SECONDS)
    os._exit(1)


def _last(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__

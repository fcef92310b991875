"""The seam between a plan and the machines: submit a job, which is one pack, and get a future of its outcome.

    with component("studies.executors", "local")(threads=1, slots=2) as engine:
        engine.submit(job)      # concurrent.futures.Future[Outcome]

A job writes into the store and returns its outcome alone, both in JSON's own types. It may be run twice, on any
machine: a finished pack is not trained again, and a started pack resumes from its resume point.
"""

import errno
import os
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from grokscope.errors import GrokscopeError, StoreError

T = TypeVar("T")
Kept: TypeAlias = Literal["all", "ends"]  # as in runs.writer, which imports torch

# Packs at a time on a GPU: while one is evaluated on the processor, another is trained.
ON_A_GPU = 4
# How often a pack is tried whose worker is lost; a pack that kills its worker must come to an end.
TRIES = 5
# How long to wait for the lock of a pack [s]: a dying worker may hold it, or a node that was given up while it lives.
# Network file systems free a dead node's locks after 45 to 90 s (NFS 4: one lease).
PATIENCE = 120.0
# The store itself cannot be written, or is gone: no other pack could be written either.
_STORE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ESTALE}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One pack to be trained, and measured afterwards.

    configs: as JSON types. store: a URL, or an absolute path that means the same on every machine. threads: of its
    process. measures: ids to measure on the checkpoints. readings: to take of its runs (`Asked`). device: cpu or cuda.
    there: the store exists, and is not made anew if it has been moved since. kept: checkpoints, "all" or "ends".
    plugins: that its process must know (`registry.used`).
    """

    pack: str
    configs: tuple[dict[str, Any], ...]
    store: str
    threads: int
    measures: tuple[str, ...] = ()
    readings: tuple[dict[str, Any], ...] = ()
    device: str = "cpu"
    there: bool = False
    kept: Kept = "all"
    plugins: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a job. fatal: the store cannot be written, so no other job can succeed."""

    pack: str
    state: Literal["done", "failed"]
    seconds: float = 0.0
    reason: str = ""
    fatal: bool = False


class Engine(Protocol):
    """Runs jobs. slots: how many at a time; threads: of each."""

    slots: int
    threads: int

    def submit(self, job: Job) -> "Future[Outcome]": ...


def work(job: Job) -> Outcome:
    """Trains and measures the pack in this process; an error is part of the outcome."""
    started = time.perf_counter()
    try:
        _train(job)
    except Exception as error:  # one pack's mistake must not end the others
        return Outcome(
            pack=job.pack, state="failed", seconds=time.perf_counter() - started, reason=_line(error),
            fatal=isinstance(error, StoreError) and getattr(error.__cause__, "errno", None) in _STORE,
        )  # fmt: skip
    return Outcome(pack=job.pack, state="done", seconds=time.perf_counter() - started)


def worked(job: dict[str, Any]) -> dict[str, Any]:
    """`work`, from and to JSON types."""
    return asdict(work(Job(**job)))


def _train(job: Job) -> None:
    import torch

    from grokscope.measures.analyses.checkpoints import measure_checkpoints
    from grokscope.predictions.taking import Asked, take
    from grokscope.registry import use
    from grokscope.runs import own_data
    from grokscope.runs.config import RunConfig, pack_id
    from grokscope.runs.run import load
    from grokscope.runs.store.mirror import opened
    from grokscope.studies.experiment import train_pack
    from grokscope.training.device import chosen_device
    from grokscope.training.memory import in_packs

    torch.set_num_threads(job.threads)
    for plugin in job.plugins:
        use(**plugin)
    configs, device = [RunConfig(**fields) for fields in job.configs], chosen_device(job.device)
    if pack_id(configs) != job.pack:
        raise GrokscopeError("its configs are read differently here than where it was planned: is grokscope the same?")
    store = opened(job.store, only=job.pack)
    own_data.look_in(store)
    if len(in_packs(configs, device)) > 1:  # it would be other packs than those planned
        raise GrokscopeError(f"a pack of {len(configs)} runs does not fit into the memory of this machine")
    if job.there and not store.is_dir():
        raise StoreError(f"the store {store} was moved or removed") from OSError(
            errno.ESTALE, os.strerror(errno.ESTALE)
        )

    def act() -> None:
        runs = train_pack(configs, folder=store / job.pack, device=device, resume=True, kept=job.kept)
        for run in runs if job.measures else ():
            measure_checkpoints(run, only=job.measures)
        by_id = {run.id: run for run in runs}
        for asked in map(Asked.from_json, job.readings):
            take(by_id[asked.run], asked, load(store / asked.reference) if asked.refers and asked.reference else None)

    patiently(act)


def patiently(act: Callable[[], T]) -> T:
    """Acts once nobody else holds the lock of the pack, or the study."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except StoreError as error:
            if not isinstance(error.__cause__, BlockingIOError) or time.monotonic() > deadline:
                raise
            time.sleep(0.25)


def _line(error: Exception) -> str:
    kind = "" if isinstance(error, GrokscopeError | ValueError) else f"{type(error).__name__}: "
    return kind + " ".join(str(error).split())

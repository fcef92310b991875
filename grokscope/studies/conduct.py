"""Carries out a plan: hands packs to an engine, reports progress, and records which packs were measured."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager
from itertools import takewhile

import torch

from grokscope.registry import component, used
from grokscope.runs.store import mirror
from grokscope.runs.store.lock import hold
from grokscope.studies.display import clock
from grokscope.studies.estimate import pack_bytes
from grokscope.studies.executors.base import ON_A_GPU, Engine, Job, Outcome
from grokscope.studies.plan import Plan, Planned
from grokscope.training.memory import SHARE, machine_bytes, replica_bytes, shared_bytes

Say = Callable[[str], None]
Start = Callable[..., AbstractContextManager[Engine]]


def conduct(
    plan: Plan,
    *,
    engine: str | Start = "local",
    address: str | None = None,
    workers: int | None = None,
    say: Say | None = None,
    until: float = math.inf,
) -> list[Outcome]:
    """Trains and measures the packs that are not done, and returns the outcome of every pack that was begun.

    engine: id of an executor, or a function that starts one. workers: packs at a time, as many as fit by default. say:
    takes a line for each pack; prints to stderr by default. until: the time of the clock (time.monotonic) after which
    no pack is begun. Once the store cannot be written, no other pack is begun.
    Raises StoreError where the store cannot be written at the start, and where another process carries out the study.
    """
    say = say or _say
    study, todo = plan.study, plan.todo
    start = component("studies.executors", engine) if isinstance(engine, str) else engine
    slots, threads = division(plan, workers)
    if address is not None:  # nodes of a cluster may have fewer cores than this machine
        threads = 1
    outcomes: list[Outcome] = []
    with hold(study.folder, store=study.store):
        study.save([_about(pack) for pack in plan.packs])
        if not todo:
            return outcomes
        with start(slots=slots, threads=threads, address=address, device=plan.device) as running:
            say(f"{study.id}: {len(todo)} packs, {running.slots} at a time, {threads} threads each")
            began = time.monotonic()
            jobs = takewhile(lambda _: time.monotonic() < until, _jobs(plan, todo, threads))
            for outcome in _each(jobs, running):
                outcomes.append(outcome)
                if outcome.state == "done" and study.measures:
                    study.mark_measured(outcome.pack)
                say(_progress(outcome, len(outcomes), len(todo), time.monotonic() - began))
            # Controls that have the windows of other runs: these are trained now.
            late = [pack for pack in todo if any(asked.refers for asked in pack.asked)]
            if late and len(outcomes) == len(todo) and all(outcome.state == "done" for outcome in outcomes):
                jobs = _jobs(plan, late, threads, late=True)
                outcomes += [outcome for outcome in _each(jobs, running) if outcome.state == "failed"]
    mirror.opened(mirror.address(study.store))  # fetches the packs of other machines
    return outcomes


def division(plan: Plan, workers: int | None = None) -> tuple[int, int]:
    """Processes at a time and threads of each: together as many as there are cores; with workers, that many of one
    thread each.

    All packs of the plan count, done or not, so that a resumed pack has the threads that it had and ends in the same
    weights. Fewer processes where their packs would not fit into half of the memory together.
    """
    cores = available_cores()
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    device = torch.device(plan.device)
    largest = max(
        (shared_bytes(p.configs[0]) + len(p.configs) * replica_bytes(p.configs[0], device) for p in plan.packs),
        default=1,
    )
    fit = max(1, int(SHARE * machine_bytes(device) // largest))
    many = cores if plan.device == "cpu" else min(cores, ON_A_GPU)
    slots = max(1, min(workers or many, fit, len(plan.packs)))
    return slots, max(1, cores // slots) if workers is None else 1


def available_cores() -> int:
    """Cores that this process may use; taskset or a container may bind it to fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _jobs(plan: Plan, todo: Sequence[Planned], threads: int, *, late: bool = False) -> Iterator[Job]:
    """late: jobs for the readings alone that refer to other runs; else for all but these."""
    for pack in todo:
        yield Job(
            pack=pack.id,
            configs=tuple(config.plain for config in pack.configs),
            store=mirror.address(plan.study.store),
            threads=threads,
            measures=() if late else pack.measures,
            readings=tuple(part.to_json() for asked in pack.asked for part in asked.split(late=late)),
            device=plan.device,
            there=not mirror.is_url(mirror.address(plan.study.store)),
            kept=pack.kept,
            plugins=used(),
        )


def _each(jobs: Iterator[Job], engine: Engine) -> Iterator[Outcome]:
    """Outcomes as they come. Few jobs are submitted ahead, so that the engine never holds a million packs; none is
    submitted once the store cannot be written."""
    pending: set[Future[Outcome]] = set()
    ended = False
    while True:
        while not ended and len(pending) < 2 * engine.slots:
            job = next(jobs, None)
            if job is None:
                ended = True
            else:
                pending.add(engine.submit(job))
        if not pending:
            return
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            outcome = future.result()
            ended = ended or outcome.fatal
            yield outcome


def _about(pack: Planned) -> dict[str, object]:
    return {
        "id": pack.id,
        "runs": len(pack.configs),
        "soonest_end": pack.soonest,
        "max_steps": pack.most,
        "bytes_without_metrics": pack_bytes(pack, 0),
    }


def _progress(outcome: Outcome, number: int, total: int, seconds: float) -> str:
    left = clock(seconds / number * (total - number)) if number < total else ""
    how = f"failed: {outcome.reason}" if outcome.state == "failed" else f"done in {clock(outcome.seconds)}"
    return f"pack {number} of {total}, {outcome.pack}: {how}" + (f"; about {left} left" if left else "")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def first_failure(outcomes: Sequence[Outcome], todo: int) -> str | None:
    """One line about the packs that were not done; None where all were."""
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    if not failed:
        return None
    worst = next((outcome for outcome in failed if outcome.fatal), failed[0])
    begun = f", {todo - len(outcomes)} were not begun" if todo > len(outcomes) else ""
    return (
        f"{len(failed)} of {todo} packs failed{begun}; {worst.pack}: {worst.reason}; "
        "the same command again does what is missing"
    )

"""Carries out a plan: hands packs to an engine, reports progress, and records which packs were measured."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any

import torch

from grokscope.registry import component, used
from grokscope.runs.store import mirror
from grokscope.runs.store.lock import hold
from grokscope.studies.estimate import pack_bytes
from grokscope.studies.executors.base import ON_A_GPU, Engine, Job, Outcome
from grokscope.studies.plan import Plan, Planned
from grokscope.studies.progress import PackLines, Say
from grokscope.studies.shares import Share, alone
from grokscope.studies.study import Study, pack_of
from grokscope.training.device import visible_gpus
from grokscope.training.memory import SHARE, machine_bytes, replica_bytes, shared_bytes

Start = Callable[..., AbstractContextManager[Engine]]


def conduct(
    plan: Plan,
    *,
    engine: str | Start = "local",
    options: Mapping[str, Any] | None = None,
    address: str | None = None,
    workers: int | None = None,
    say: Say | None = None,
    until: float = math.inf,
    shared: bool = False,
) -> list[Outcome]:
    """Trains and measures the packs that are not done, and returns the outcome of every pack that was begun.

    engine: id of an executor, or a function that starts one. options: that it alone takes. workers: packs at a time, as
    many as fit by default. say: takes a line for each pack; prints to stderr by default. until: the time of the clock
    (time.monotonic) after which no pack is begun. Once the store cannot be written, no other pack is begun. shared:
    other processes carry out other parts of the plan, which is `settled`.
    Raises StoreError where the store cannot be written at the start, and where another process carries out the study.
    """
    say, study, todo = say or _say, plan.study, plan.todo
    start = component("studies.executors", engine) if isinstance(engine, str) else engine
    slots, threads = division(plan, workers)
    if address is not None:  # nodes of a cluster may have fewer cores than this machine
        threads = 1
    with nullcontext() if shared else hold(study.folder, store=study.store):
        if not shared:
            save(plan)
        if not todo:
            return []
        with start(slots=slots, threads=threads, address=address, device=plan.device, **(options or {})) as running:
            say(f"{study.id}: {len(todo)} packs, {running.slots} at a time, {running.threads} threads each")
            outcomes = _ended(plan, running, say, until=until, shared=shared)
    if shared:
        mirror.publish(study.folder)  # for the share that ends last
    mirror.opened(mirror.address(study.store))  # fetches the packs of other machines
    return outcomes


def _ended(plan: Plan, engine: Engine, say: Say, *, until: float, shared: bool) -> list[Outcome]:
    """The outcomes of a plan's packs, and then of readings that had to wait."""
    todo = plan.todo
    jobs = takewhile(lambda _: time.monotonic() < until, _jobs(plan, todo, engine.threads))
    # With an end none is submitted ahead: it would begin after it.
    most = engine.slots if until < math.inf else 2 * engine.slots
    outcomes = list(_told(_each(jobs, engine, most), PackLines(len(todo), engine.slots, say), plan.study, shared))
    if not shared or all(pack.waits for pack in todo):
        done = {outcome.pack for outcome in outcomes if outcome.state == "done"}
        jobs = _jobs(plan, _answerable(plan, done), engine.threads, late=True)
        outcomes += [outcome for outcome, _ in _each(jobs, engine, most) if outcome.state == "failed"]
    return outcomes


def _answerable(plan: Plan, done: Set[str]) -> list[Planned]:
    """The packs, done just now, with controls that have the windows of other runs, which are trained too."""
    trained = done | {pack.id for pack in (*plan.packs, *plan.borrowed) if pack.state == "done"}

    def answers(pack: Planned) -> bool:
        needed = [asked.reference for asked in pack.asked if asked.refers]
        return bool(needed) and all(pack_of(run or "") in trained for run in needed)

    return [pack for pack in plan.todo if pack.id in done and answers(pack)]


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What became of a plan. todo: packs that this process had to do. left: packs that other shares have to do."""

    plan: Plan
    todo: int
    outcomes: list[Outcome]
    left: list[Planned]


def carried_out(made: Plan, again: Callable[[], Plan], *, share: Share | None = None, **conditions: Any) -> Carried:
    """Conducts a plan, or a share of it. again: makes the plan once more. conditions: of `conduct`.

    Of several shares the one that ends last takes the readings that have to wait for all runs.
    """
    if share is None:
        return Carried(plan=made, todo=len(made.todo), outcomes=conduct(made, **conditions), left=[])
    part = share.part(settled(made, again))
    outcomes, now = conduct(part, shared=True, **conditions), again()
    if now.todo and all(pack.waits for pack in now.todo):
        outcomes += conduct(now, shared=True, **conditions)
        now = again()
    return Carried(plan=now, todo=len(part.todo), outcomes=outcomes, left=now.todo)


def save(plan: Plan) -> None:
    """Writes a plan down; the caller holds the study's lock."""
    sizes = {pack.kind: pack_bytes(pack, 0) for pack in {pack.kind: pack for pack in plan.packs}.values()}
    plan.study.save(
        [
            {
                "id": pack.id,
                "runs": len(pack.configs),
                "soonest_end": pack.soonest,
                "max_steps": pack.most,
                "bytes_without_metrics": sizes[pack.kind],
            }
            for pack in plan.packs
        ]
    )


def settled(made: Plan, again: Callable[[], Plan]) -> Plan:
    """The plan that all shares have alike. Which runs share a pack depends on what the store has; so the first process
    writes the plan down, and the others plan again, from what is written."""

    def first() -> bool:
        if new := not (made.study.folder / "plan.json").exists():
            save(made)
        return new

    return made if alone(made.study, first) else again()


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
    kinds = [pack.configs for pack in {pack.kind: pack for pack in plan.packs}.values()]
    largest = max(
        (shared_bytes(configs[0]) + len(configs) * replica_bytes(configs[0], device) for configs in kinds), default=1
    )
    gpus = max(1, len(visible_gpus())) if plan.device == "cuda" else 0
    fit = max(1, int(SHARE * machine_bytes(device) // largest)) * (gpus or 1)
    many = min(cores, ON_A_GPU * gpus) if gpus else cores
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


def _each(jobs: Iterator[Job], engine: Engine, most: int) -> Iterator[tuple[Outcome, int]]:
    """Outcomes as they come, each with how many jobs are out. At most so many jobs are out at a time, so that the
    engine never holds a million packs; none is submitted once the store cannot be written."""
    pending: set[Future[Outcome]] = set()
    ended = False
    while True:
        while not ended and len(pending) < most:
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
            yield outcome, len(pending)


def _told(ended: Iterable[tuple[Outcome, int]], lines: PackLines, study: Study, shared: bool) -> Iterator[Outcome]:
    """The outcomes, each said, and recorded where the pack was measured."""
    for outcome, pending in ended:
        if outcome.state == "done" and study.measures:
            mark = partial(study.mark_measured, outcome.pack)
            alone(study, mark) if shared else mark()
        lines.add(outcome, pending)
        yield outcome


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

"""Measures packs while they train, and checkpoints afterwards."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from grokscope.errors import GrokscopeError, Missing
from grokscope.measures.base import Measure, measures
from grokscope.models.base import of_replicas
from grokscope.registry import component
from grokscope.runs.plugged import as_trained
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.snapshots import Snapshots
from grokscope.runs.store.journal import Measured
from grokscope.runs.store.lock import hold
from grokscope.runs.store.mirror import publish
from grokscope.runs.store.rows import read_rows
from grokscope.runs.store.segments import forget, recover, seal
from grokscope.training.pack import Pack

T = TypeVar("T")
# Weights and outputs of the networks that are measured at once: 8 MB in float64 stay in the cache.
AT_ONCE = 1 << 20


def observer(pack: Pack, ids: Sequence[str]) -> Callable[[Pack], list[Measured]]:
    """A function that measures all cheap quantities of the pack as it stands. ids: of its runs. To be made before the
    first step: the weights are the initial ones, which follow from the configs alone."""
    cheap = [measure for measure in measures().values() if measure.cost == "cheap"]
    first = {name: tensor.detach().cpu().clone() for name, tensor in pack.tensors.items()}
    parts = [(part, Snapshots([_snapshot(pack, replica, first) for replica in part])) for part in alike(pack)]

    def observe(pack: Pack) -> list[Measured]:
        outputs, now = pack.outputs(), {name: tensor.cpu() for name, tensor in pack.tensors.items()}
        before = None if pack.before is None else {name: tensor.cpu() for name, tensor in pack.before.items()}
        rows = []
        for part, start in parts:
            here = _range(part)
            last = None if before is None else of_replicas(before, here)
            snapshots = start.later(pack.step, of_replicas(now, here), outputs[here], last)
            living: list[int] = pack.alive[here].nonzero().flatten().tolist()
            if living:
                there = [ids[part[i]] for i in living]
                rows.extend(_rows(there, pack.step, cheap, snapshots.take(living)))
        return rows

    return observe


def measure_checkpoints(run: Run, *, only: Sequence[str] = (), again: bool = False) -> dict[str, str]:
    """Measures the run's checkpoints, stores the new numbers, and returns measures without an answer with the reason.

    only: ids of measures; by default all but those of cost "asked", and those of cost "final" at the last checkpoint
    alone. A stored variant of a measure at a step is not measured again. again: it is, and the new numbers replace the
    stored ones (after a definition has changed). Checkpoints after a loss that was not finite are left out.
    """
    if not run.has_config:
        raise GrokscopeError(f"run {run.id} is curves alone: there are no weights to measure")
    chosen: list[Measure] = [component("measures", name) for name in only]
    always = chosen or [measure for measure in measures().values() if measure.cost in ("cheap", "heavy")]
    chosen = chosen or [measure for measure in measures().values() if measure.cost != "asked"]
    missing: dict[str, str] = {}
    with hold(run.folder):
        journal = recover(run.folder)
        end = min((event["step"] for event in run.events if event["event"] == "non-finite"), default=math.inf)
        steps = [step for step in run.checkpoints if step <= end]
        if again:
            for part, at in ((always, run.checkpoints), (chosen, steps[-1:])):
                forget(run.folder, journal, run=run.id, measures=[measure.id for measure in part], steps=at)
        stored = _stored(run)

        def measured(step: int) -> tuple[list[Measured], dict[str, str]]:
            reasons: dict[str, str] = {}
            wanted = chosen if step == steps[-1] else always
            lacking = [measure.without(stored.get((step, measure.id), ())) for measure in wanted]
            return list(_rows([run.id], step, lacking, Snapshots([run.snapshot(step)]), reasons)), reasons

        for rows, reasons in side_by_side(measured, steps):
            journal.append(rows)
            missing = reasons | missing
        seal(run.folder, journal)
        publish(run.folder)
    return missing


def side_by_side(of: Callable[[int], T], steps: Sequence[int]) -> Iterator[T]:
    """of(step) of every step in order, on as many cores as torch has threads, each step on one.

    Products of small matrices by several threads wait for each other longer than they work: with numpy's on two threads
    the checkpoints of quickstart took 2.5 times the processor time. The first step is taken alone: what is loaded, or
    computed once for all, is then there.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    workers = ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1))
    try:
        with threadpool_limits(1, user_api="blas"):
            yield from map(of, steps[:1])
            yield from workers.map(of, steps[1:]) if threads > 1 else map(of, steps[1:])
    finally:
        workers.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def alike(pack: Pack) -> Iterator[list[int]]:
    """Replicas whose tasks have the same group, as many as stay in the cache together."""
    by_group: dict[str | None, list[int]] = {}
    for replica, task in enumerate(pack.tasks):
        by_group.setdefault(task.truth.group, []).append(replica)
    weights = sum(tensor[0].numel() for tensor in pack.tensors.values())
    at_once = max(1, AT_ONCE // (weights + pack.tasks[0].n_inputs * pack.tasks[0].n_outputs))
    for replicas in by_group.values():
        yield from (replicas[start : start + at_once] for start in range(0, len(replicas), at_once))


def _snapshot(pack: Pack, replica: int, tensors: Mapping[str, Tensor]) -> Snapshot:
    return Snapshot(
        task=pack.tasks[replica],
        model=pack.models[replica],
        params=of_replicas(tensors, replica),
        train_mask=pack.train_masks[replica],
        **as_trained(pack.configs[replica]),
    )


def _range(replicas: list[int]) -> slice | Tensor:
    """Neighbours as a slice, which copies nothing."""
    first, last = replicas[0], replicas[-1]
    return slice(first, last + 1) if len(replicas) == last + 1 - first else torch.tensor(replicas)


def _rows(
    ids: Sequence[str],
    step: int,
    chosen: Iterable[Measure],
    snapshots: Snapshots,
    missing: dict[str, str] | None = None,
) -> Iterator[Measured]:
    """The numbers of some measures. missing: takes the reason of each measure that has no answer."""
    for measure in chosen:
        for i, view, value in measure.each_row(snapshots):
            if not isinstance(value, Missing):
                yield Measured(run=ids[i], step=step, measure=measure.id, view=view, value=value)
            elif missing is not None:
                missing.setdefault(measure.id, value.reason)


def _stored(run: Run) -> dict[tuple[int, str], set[str]]:
    """Step and measure -> the stored views."""
    rows, views = read_rows(run.folder, run=run.id), {}
    for step, measure, view in zip(rows.steps.tolist(), rows.measures, rows.views, strict=True):
        views.setdefault((step, str(measure)), set()).add(str(view))
    return views

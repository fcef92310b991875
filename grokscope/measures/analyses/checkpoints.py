"""Measures of the checkpoints of a run."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar

import torch
from threadpoolctl import threadpool_limits

from grokscope.errors import GrokscopeError, Missing
from grokscope.measures.base import Measure, measures
from grokscope.registry import component
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.snapshots import Snapshots
from grokscope.runs.store.journal import Measured
from grokscope.runs.store.lock import hold
from grokscope.runs.store.mirror import publish
from grokscope.runs.store.rows import read_rows
from grokscope.runs.store.segments import forget, recover, seal

T = TypeVar("T")
# The numbers of a checkpoint, and measures without an answer with the reason.
Answer: TypeAlias = tuple[list[Measured], dict[str, str]]
# Of a run and a step: what is taken of the checkpoint elsewhere; None: it is the caller's from now on.
Elsewhere: TypeAlias = Callable[[str, int], Future[Answer] | None]
# Sites that the views of measures name, and those whose activations are no points of a space.
OWN = {"embed", "resid_pre", "z", "attn_out", "resid_mid", "mlp_pre", "mlp_post", "mlp_out", "resid_post"}
NO_CLOUD = {"pattern", "logits"}


def measure_checkpoints(
    run: Run, *, only: Sequence[str] = (), again: bool = False, elsewhere: Elsewhere | None = None
) -> dict[str, str]:
    """Measures the run's checkpoints, stores the new numbers, and returns measures without an answer with the reason.

    only: ids of measures; by default all but those of cost "asked", and those of cost "final" at the last checkpoint
    alone. A stored variant of a measure at a step is not measured again. again: it is, and the new numbers replace the
    stored ones (after a definition has changed). Checkpoints after a loss that was not finite are left out. elsewhere:
    measures of a checkpoint that somebody else takes at the same time.
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
        stored = stored_views(run)

        def measured(step: int) -> Answer:
            begun = elsewhere and elsewhere(run.id, step)
            rows, reasons = ([], {}) if begun is None else begun.result()
            told = {row["measure"] for row in rows} | reasons.keys()
            wanted, snapshot = chosen if step == steps[-1] else always, run.snapshot(step)
            here = [fitted(measure, snapshot) for measure in wanted] if "watched" in run.about else wanted
            lacking = [
                measure.without(stored.get((step, measure.id), ())) for measure in here if measure.id not in told
            ]
            more = taken([run.id], step, lacking, Snapshots([snapshot]), whynot := {})
            places = {measure.id: place for place, measure in enumerate(wanted)}
            return sorted([*rows, *more], key=lambda row: places[row["measure"]]), reasons | whynot

        for rows, reasons in side_by_side(measured, steps):
            journal.append(rows)
            missing = reasons | missing
        seal(run.folder, journal)
        publish(run.folder)
    return missing


def fitted(measure: Measure, snapshot: Snapshot) -> Measure:
    """The measure with the views that a network with sites of its own has.

    A view "site/points" of a site that is there stays. Where it is not, the view is taken of every site of that kind:
    "tokens" of tables of symbols, other points of activations on inputs. Sites whose names are none of grokscope's are
    always looked at.
    """
    if not any("view" in variant for variant in measure.variants):
        return measure
    n, sites = snapshot.task.n_inputs, [name for name in snapshot.activations if name not in NO_CLOUD]
    tables = {name for name in sites if len(snapshot.activations[name]) != n}
    variants: list[Mapping[str, Any]] = []
    for variant in measure.variants:
        site, _, points = variant["view"].partition("/")
        alike = [name for name in sites if (name in tables) == (points == "tokens")]
        chosen = [name for name in alike if name == site or site not in sites or name not in OWN]
        variants += [{**variant, "view": f"{name}/{points}"} for name in chosen]
    return dataclasses.replace(measure, variants=tuple(variants) or measure.variants)


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


def taken(
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


def stored_views(run: Run) -> dict[tuple[int, str], set[str]]:
    """Step and measure -> the stored views."""
    rows, views = read_rows(run.folder, run=run.id), {}
    for step, measure, view in zip(rows.steps.tolist(), rows.measures, rows.views, strict=True):
        views.setdefault((step, str(measure)), set()).add(str(view))
    return views

"""Trains and measures one pack: cheap measures while it trains, the others on its checkpoints."""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import torch
from torch import Tensor

from grokscope.errors import GrokscopeError, Missing
from grokscope.measures.base import Measure, measures
from grokscope.registry import component, shortened
from grokscope.runs.config import RunConfig, pack_id
from grokscope.runs.outside import named
from grokscope.runs.run import Run, as_trained, load_pack
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.journal import Measured
from grokscope.runs.store.lock import hold
from grokscope.runs.store.mirror import opened, publish
from grokscope.runs.store.rows import read_rows
from grokscope.runs.store.segments import forget, recover, seal
from grokscope.runs.writer import Writer, open_writer
from grokscope.studies.display import Display, display
from grokscope.training.device import chosen_device
from grokscope.training.loop import Loop, disk_use
from grokscope.training.memory import in_packs, replica_bytes, require_fits
from grokscope.training.pack import Pack, require_packable
from grokscope.training.threads import as_begun


@overload
def train(
    configs: RunConfig, *, store: str | Path = ..., device: str = ..., progress: bool = ..., resume: bool = ...
) -> Run: ...
@overload
def train(
    configs: Sequence[RunConfig],
    *,
    store: str | Path = ...,
    device: str = ...,
    progress: bool = ...,
    resume: bool = ...,
) -> list[Run]: ...
def train(
    configs: RunConfig | Sequence[RunConfig],
    *,
    store: str | Path = "runs",
    device: str = "auto",
    progress: bool = True,
    resume: bool = False,
) -> Run | list[Run]:
    """Trains a config, or several as one pack, and measures the cheap quantities on the way.

    A hash of the configs names the pack's folder in the store. A finished pack is not trained again; a started pack
    resumes where resume is true. A pack that does not fit into half of the machine's memory is trained as several, one
    after another, and a line on stderr says so. store: a folder, or a URL that fsspec knows. device: auto (a GPU if
    there is one), cpu, cuda. progress: show it on stderr.
    """
    if isinstance(configs, str):
        raise ValueError(f"train takes a RunConfig or several, got {configs!r}; make one: gs.recipe({configs!r})")
    several = not isinstance(configs, RunConfig)
    if several and not (isinstance(configs, Sequence) and all(isinstance(config, RunConfig) for config in configs)):
        raise ValueError(f"train takes a RunConfig or several, got {shortened(configs)}")
    wanted = list(configs) if several else [configs]
    require_packable(wanted)
    chosen = chosen_device(device)
    require_fits(wanted[0], chosen)
    store = store if isinstance(store, str) and "://" in store else named(store)
    packs = in_packs(wanted, chosen)
    if len(packs) > 1 and progress:
        print(
            f"{len(wanted)} runs of {replica_bytes(wanted[0]) / 1e9:.2g} GB each do not fit into memory together; "
            f"training them as {len(packs)} packs of up to {len(packs[0])}",
            file=sys.stderr,
        )
    runs: list[Run] = []
    for pack in packs:
        runs += train_pack(pack, store=opened(store), device=chosen, progress=progress, resume=resume)
    return runs if several else runs[0]


def train_pack(
    pack: Sequence[RunConfig], *, store: Path, device: torch.device, progress: bool = False, resume: bool = False
) -> list[Run]:
    """Trains the configs as one pack, as they are planned, whatever its size; else as `train`."""
    folder = store / pack_id(pack)
    if finished_at(folder) is not None:
        if progress:
            print(f"run {folder.name} in {folder} is done already; reading it", file=sys.stderr)
    else:
        with as_begun(folder) as note:
            built = Pack(pack, device=device)
            with display(progress) as shown, open_writer(folder, pack, resume=resume) as writer:
                for line in filter(None, [note, _other_machine(writer, device)]):
                    print(f"note: run {folder.name}: {line}", file=sys.stderr)
                shown.start(folder, disk_use(built, folder))
                _train(built, writer, shown)
    return load_pack(folder)


def _other_machine(writer: Writer, device: torch.device) -> str | None:
    """A sentence about changes of the machine since a pack was begun, threads aside; they may change its last bits."""
    differ = {name: pair for name, pair in writer.changed(device).items() if name != "threads"}
    if not differ:
        return None
    what = ", ".join(f"{name} {then}, now {now}" for name, (then, now) in differ.items())
    return (
        f"it was begun with {what}: the last bits of its weights may differ from those of one that was not interrupted"
    )


def measure_checkpoints(run: Run, *, only: Sequence[str] = (), again: bool = False) -> dict[str, str]:
    """Measures the run's checkpoints, stores the new numbers, and returns measures without an answer with the reason.

    only: ids of measures; by default all but those of cost "asked". A stored variant of a measure at a step is not
    measured again. again: it is, and the new numbers replace the stored ones (after a definition has changed).
    Checkpoints after a loss that was not finite are left out.
    """
    if not run.has_config:
        raise GrokscopeError(f"run {run.id} is curves alone: there are no weights to measure")
    chosen: list[Measure] = [component("measures", name) for name in only]
    chosen = chosen or [measure for measure in measures().values() if measure.cost != "asked"]
    missing: dict[str, str] = {}
    with hold(run.folder):
        journal = recover(run.folder)
        if again:
            names = [measure.id for measure in chosen]
            forget(run.folder, journal, run=run.id, measures=names, steps=run.checkpoints)
        stored = _stored(run)
        end = min((event["step"] for event in run.events if event["event"] == "non-finite"), default=math.inf)
        for step in (step for step in run.checkpoints if step <= end):
            snapshot = run.snapshot(step)
            left = [measure.without(stored.get((step, measure.id), ())) for measure in chosen]
            journal.append(_rows(run.id, left, snapshot, missing))
        seal(run.folder, journal)
        publish(run.folder)
    return missing


def _train(pack: Pack, writer: Writer, shown: Display) -> None:
    cheap = [measure for measure in measures().values() if measure.cost == "cheap"]
    # Before its first step the pack has its initial weights, which follow from the configs alone.
    first = {name: tensor.detach().cpu().clone() for name, tensor in pack.tensors.items()}
    initial = [_snapshot(pack, replica, first) for replica in range(pack.n_replicas)]

    def observe(pack: Pack) -> list[Measured]:
        outputs = pack.outputs()
        rows = []
        for replica in pack.alive.nonzero().flatten().tolist():
            now = {"step": pack.step, "outputs": outputs[replica], "initial": lambda replica=replica: initial[replica]}
            if pack.before is not None:
                now["before"] = _of(replica, pack.before)
            rows.extend(_rows(writer.ids[replica], cheap, _snapshot(pack, replica, pack.tensors, **now)))
        return rows

    Loop(pack=pack, writer=writer, observe=observe, show=shown.update).run()


def _snapshot(pack: Pack, replica: int, tensors: Mapping[str, Tensor], **more: Any) -> Snapshot:
    return Snapshot(
        task=pack.tasks[replica],
        model=pack.models[replica],
        params=_of(replica, tensors),
        train_mask=pack.train_masks[replica],
        **as_trained(pack.configs[replica]),
        **more,
    )


def _of(replica: int, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor[replica].cpu() for name, tensor in tensors.items()}


def _rows(
    run: str, chosen: Iterable[Measure], snapshot: Snapshot, missing: dict[str, str] | None = None
) -> list[Measured]:
    """The numbers of some measures. missing: takes the reason of each measure that has no answer."""
    rows = []
    for measure in chosen:
        for view, value in measure.rows(snapshot):
            if not isinstance(value, Missing):
                rows.append(Measured(run=run, step=snapshot.step, measure=measure.id, view=view, value=value))
            elif missing is not None:
                missing.setdefault(measure.id, value.reason)
    return rows


def _stored(run: Run) -> dict[tuple[int, str], set[str]]:
    """Step and measure -> the stored views."""
    rows, views = read_rows(run.folder, run=run.id), {}
    for step, measure, view in zip(rows.steps.tolist(), rows.measures, rows.views, strict=True):
        views.setdefault((step, str(measure)), set()).add(str(view))
    return views

"""Trains and measures one pack: cheap measures while it trains, the others on its checkpoints."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import overload

import torch

from grokscope.registry import shortened
from grokscope.runs import own_data, plugged
from grokscope.runs.config import RunConfig, pack_id
from grokscope.runs.outside import named
from grokscope.runs.run import Run, load_pack
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.mirror import opened
from grokscope.runs.writer import Kept, Writer, kept_of, open_writer
from grokscope.studies.display import display
from grokscope.studies.measuring import observer
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
    store = store if isinstance(store, str) and "://" in store else named(store)
    if isinstance(store, Path):
        own_data.look_in(store)
    require_fits(wanted[0], chosen)
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
    pack: Sequence[RunConfig],
    *,
    store: Path,
    device: torch.device,
    progress: bool = False,
    resume: bool = False,
    kept: Kept = "all",
) -> list[Run]:
    """Trains the configs as one pack, as they are planned, whatever its size; else as `train`. kept: checkpoints."""
    folder = store / pack_id(pack)
    if finished_at(folder) is not None:
        if progress:
            few = "; a sweep trained it, and kept its first and last checkpoint" if kept_of(folder) == "ends" else ""
            print(f"run {folder.name} in {folder} is done already; reading it{few}", file=sys.stderr)
        runs = load_pack(folder)
        for name, (then, now) in plugged.changed(runs[0].about.get("plugins", ()), pack).items():
            print(f"note: run {folder.name} was trained with {name} {then}, which is {now} now", file=sys.stderr)
        return runs
    with as_begun(folder) as note:
        built = Pack(pack, device=device)
        with display(progress) as shown, open_writer(folder, pack, resume=resume, kept=kept) as writer:
            for line in filter(None, [note, _other_machine(writer, device)]):
                print(f"note: run {folder.name}: {line}", file=sys.stderr)
            shown.start(folder, disk_use(built, folder))
            Loop(pack=built, writer=writer, observe=observer(built, writer.ids), show=shown.update).run()
    return load_pack(folder)


def _other_machine(writer: Writer, device: torch.device) -> str | None:
    """A sentence about changes of the machine and of plugins since a pack was begun, threads aside."""
    differ = {name: pair for name, pair in writer.changed(device).items() if name != "threads"}
    if not differ:
        return None
    what = ", ".join(f"{name} {then}, now {now}" for name, (then, now) in differ.items())
    machine = set(differ) <= {"device", "torch"}
    how = "the last bits of its weights" if machine else "its weights"
    return f"it was begun with {what}: {how} may differ from those of one that was not interrupted"

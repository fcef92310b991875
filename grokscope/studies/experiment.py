"""Trains and measures one pack: cheap measures while it trains, the others on its checkpoints."""

import math
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, overload

import torch

from grokscope.errors import GrokscopeError
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.registry import shortened
from grokscope.runs import own_data, plugged
from grokscope.runs.config import RunConfig, pack_id
from grokscope.runs.outside import named
from grokscope.runs.run import Run, load_pack
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.mirror import opened
from grokscope.runs.writer import Kept, Writer, kept_of, open_writer
from grokscope.studies.beside import Beside, beside
from grokscope.studies.cost import Watch, forecast
from grokscope.studies.display import Display, display
from grokscope.studies.measuring import observer
from grokscope.studies.study import FOLDER
from grokscope.training.device import chosen_device
from grokscope.training.ends import goes_on
from grokscope.training.loop import Loop, OnEvaluate, Progress, disk_use
from grokscope.training.memory import in_packs, replica_bytes, require_fits
from grokscope.training.pack import Pack, require_packable
from grokscope.training.threads import as_begun


@overload
def train(
    configs: RunConfig,
    *,
    store: str | Path = ...,
    device: str = ...,
    progress: bool = ...,
    resume: bool = ...,
    extend: bool = ...,
    measure: bool = ...,
    on_evaluate: Callable[[int, dict[str, float]], object] | None = ...,
) -> Run: ...
@overload
def train(
    configs: Sequence[RunConfig],
    *,
    store: str | Path = ...,
    device: str = ...,
    progress: bool = ...,
    resume: bool = ...,
    extend: bool = ...,
    measure: bool = ...,
    on_evaluate: Callable[[int, list[dict[str, float]]], object] | None = ...,
) -> list[Run]: ...
def train(
    configs: RunConfig | Sequence[RunConfig],
    *,
    store: str | Path = "runs",
    device: str = "auto",
    progress: bool = True,
    resume: bool = False,
    extend: bool = False,
    measure: bool = False,
    on_evaluate: Callable[[int, Any], object] | None = None,
) -> Run | list[Run]:
    """Trains a config, or several as one pack, and measures the cheap quantities on the way.

    A hash of the configs names the pack's folder in the store. A finished pack is not trained again; a started pack
    resumes where resume is true. Where a run ends (`identity.ENDS`) is not part of its id: extend lets a finished pack
    go on from its last weights, to the end that the configs now give, as if it had been one run. A pack that does not
    fit into half of the machine's memory is trained as several, one after another, and a line on stderr says so.

    store: a folder, or a URL that fsspec knows. device: auto (a GPU if there is one), cpu, cuda. progress: show it on
    stderr. measure: take what `measure_checkpoints` takes, too, beside the training where there is a second core.
    on_evaluate: called after each evaluation with the step and the values by name ("test/accuracy"), of several configs
    a list of these; True ends the training.
    """
    if isinstance(configs, str):
        raise ValueError(f"train takes a RunConfig or several, got {configs!r}; make one: gs.recipe({configs!r})")
    several = not isinstance(configs, RunConfig)
    if several and not (isinstance(configs, Sequence) and all(isinstance(config, RunConfig) for config in configs)):
        raise ValueError(f"train takes a RunConfig or several, got {shortened(configs)}")
    wanted = list(configs) if several else [configs]
    require_packable(wanted)
    chosen = chosen_device(device)
    store = opened(store if isinstance(store, str) and "://" in store else named(store))
    own_data.look_in(store)
    require_fits(wanted[0], chosen)
    packs = in_packs(wanted, chosen)
    if len(packs) > 1 and progress:
        print(
            f"{len(wanted)} runs of {replica_bytes(wanted[0]) / 1e9:.2g} GB each do not fit into memory together; "
            f"training them as {len(packs)} packs of up to {len(packs[0])}",
            file=sys.stderr,
        )
    told = None if on_evaluate is None else _named(on_evaluate, several=several)
    runs: list[Run] = []
    for pack in packs:
        own = store / pack_id(pack, ends=False)
        folder = own if extend else _found(own, store / pack_id(pack))
        may: dict[str, Any] = {"resume": resume, "extend": extend, "extendable": folder == own, "progress": progress}
        with beside(folder) if measure else nullcontext() as helper:
            runs += train_pack(pack, folder=folder, device=chosen, on_evaluate=told, helper=helper, **may)
            if measure:
                _measure(runs[-len(pack) :], helper, progress=progress)
    return runs if several else runs[0]


def _measure(runs: Sequence[Run], helper: Beside | None, *, progress: bool) -> None:
    """Takes the measures of the checkpoints that were not taken while the pack trained."""
    if helper is not None:
        helper.look()
    for number, run in enumerate(runs, 1):
        if progress:
            print(f"measuring checkpoints of run {number} of {len(runs)}", file=sys.stderr)
        measure_checkpoints(run, elsewhere=helper and helper.begun)


def _named(on_evaluate: Callable[[int, Any], object], *, several: bool) -> OnEvaluate:
    """The caller's function, with the names of `Run.series`."""

    def told(step: int, curves: list[dict[str, float]]) -> object:
        known = [{name: value for name, value in of_run.items() if not math.isnan(value)} for of_run in curves]
        named = [{name.replace("_", "/", 1): value for name, value in of_run.items()} for of_run in known]
        return on_evaluate(step, named if several else named[0])

    return told


def _found(own: Path, planned: Path) -> Path:
    """Where a pack is, or will be. A sweep or a study may have trained it: its packs end where they were planned to."""
    there = (planned / "pack.json").exists() and not (own / "pack.json").exists()
    return planned if there else own


def train_pack(
    pack: Sequence[RunConfig],
    *,
    folder: Path,
    device: torch.device,
    progress: bool = False,
    resume: bool = False,
    extend: bool = False,
    extendable: bool = False,
    helper: Beside | None = None,
    kept: Kept = "all",
    on_evaluate: OnEvaluate | None = None,
) -> list[Run]:
    """Trains the configs as one pack, as they are planned, whatever its size; else as `train`. kept: checkpoints.
    extendable: it may go on later. helper: hears of each evaluation."""
    finished = finished_at(folder) is not None
    if finished and not goes_on(folder, pack, extend=extend):
        if progress:
            few = "; a sweep trained it, and kept its first and last checkpoint" if kept_of(folder) == "ends" else ""
            print(f"run {folder.name} in {folder} is done already; reading it{few}", file=sys.stderr)
        runs = load_pack(folder)
        for name, (then, now) in plugged.changed(runs[0].about.get("plugins", ()), pack).items():
            print(f"note: run {folder.name} was trained with {name} {then}, which is {now} now", file=sys.stderr)
        return runs
    if finished:
        _require_free(folder)
    if progress and (said := forecast(pack, device)):
        print(f"note: {said}", file=sys.stderr)
    with as_begun(folder) as note:
        built = Pack(pack, device=device)
        with display(progress) as shown, open_writer(folder, pack, resume=resume or extend, kept=kept) as writer:
            for line in filter(None, [note, _other_machine(writer, device)]):
                print(f"note: run {folder.name}: {line}", file=sys.stderr)
            shown.start(folder, disk_use(built, folder))
            if finished_at(folder) is not None:
                writer.reopen()
            observe = observer(built, writer.ids)
            about = {"on_evaluate": on_evaluate, "extendable": extendable}
            show = _shown(shown, Watch(pack[0], device) if progress else None, helper)
            Loop(pack=built, writer=writer, observe=observe, show=show, **about).run()
    return load_pack(folder)


def _shown(display: Display, watch: Watch | None, helper: Beside | None) -> Callable[[Progress], None]:
    """What is done after each evaluation: the display, and a line if the run will take very long."""

    def show(progress: Progress) -> None:
        display.update(progress)
        if watch is not None and (said := watch.seen(progress)):
            display.note(f"note: {said}")
        if helper is not None:
            helper.look()

    return show


def _require_free(folder: Path) -> None:
    """GrokscopeError where a study rests on the runs of a pack as they ended."""
    for path in sorted((folder.parent / FOLDER).glob("*/plan.json")):
        if f'"{folder.name}' in path.read_text(encoding="utf-8", errors="replace"):
            raise GrokscopeError(
                f"the study {path.parent.name} rests on where run {folder.name} ended; extend it in another store"
            )


def _other_machine(writer: Writer, device: torch.device) -> str | None:
    """A sentence about changes of the machine and of plugins since a pack was begun, threads aside."""
    differ = {name: pair for name, pair in writer.changed(device).items() if name != "threads"}
    if not differ:
        return None
    what = ", ".join(f"{name} {then}, now {now}" for name, (then, now) in differ.items())
    machine = set(differ) <= {"device", "torch"}
    how = "the last bits of its weights" if machine else "its weights"
    return f"it was begun with {what}: {how} may differ from those of one that was not interrupted"

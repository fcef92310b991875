"""A study planned: which packs it trains, what is measured and read of them, and how far each is.

Which runs share a pack, and which the store has already, `packing` decides.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

from grokscope.errors import GrokscopeError, StoreError
from grokscope.predictions.arms import Arms
from grokscope.predictions.controls import asked_by_run
from grokscope.predictions.families import placed, read_arms
from grokscope.predictions.readings import At
from grokscope.predictions.taking import Asked
from grokscope.runs.config import RunConfig
from grokscope.runs.identity import run_ids
from grokscope.runs.run import load_pack
from grokscope.runs.store.events import is_finished
from grokscope.runs.store.mirror import opened
from grokscope.runs.store.readings import read_readings
from grokscope.runs.writer import Kept, kept_of
from grokscope.statistics.intervals import FEWEST
from grokscope.statistics.looks import Looks
from grokscope.studies.packing import Configs, Wanted, laid_out, shape_of, soonest_end
from grokscope.studies.study import Study, pack_of
from grokscope.theories.base import families
from grokscope.training.device import chosen_device
from grokscope.training.memory import require_fits

Kind: TypeAlias = tuple[str, int, tuple[str, ...]]  # shape, runs and measures of a pack


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """One pack of a plan. shape: of its runs. soonest, most: between which steps it is expected to end. measures: ids
    measured on its checkpoints. asked: readings that are taken of its runs. kept: which checkpoints stay, all or the
    first and last. waits: it lacks nothing but readings that refer to other runs."""

    id: str
    configs: Sequence[RunConfig]
    shape: str
    state: Literal["done", "begun", "missing"]
    soonest: int
    most: int
    measures: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()
    kept: Kept = "all"
    waits: bool = False

    @property
    def kind(self) -> Kind:
        """Packs of one kind cost the same a step."""
        return self.shape, len(self.configs), self.measures


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study and the packs that it trains, in the order of its arms.

    reused: finished runs of other packs of the store. borrowed: those packs, where the study measures something. notes:
    what is allowed but does less than it seems, and what of the store cannot be read. device: cpu or cuda.
    """

    study: Study
    packs: tuple[Planned, ...]
    borrowed: tuple[Planned, ...]
    reused: int
    notes: tuple[str, ...]
    device: str = "cpu"

    @property
    def todo(self) -> list[Planned]:
        """The packs that are not done, begun ones first. A pack is done once it is trained, measured and read."""
        left = [pack for pack in (*self.borrowed, *self.packs) if pack.state != "done"]
        return sorted(left, key=lambda pack: pack.state != "begun")


def plan(
    name: str,
    arms: Arms[RunConfig] | Mapping[str, Sequence[RunConfig]],
    store: str | Path,
    *,
    measures: Mapping[str, Sequence[str]] | None = None,
    readings: Mapping[str, Sequence[At]] | None = None,
    mixed: bool = False,
    axes: Mapping[str, Sequence[Any]] | None = None,
    device: str = "cpu",
    kept: Kept = "all",
    looks: Looks | None = None,
) -> Plan:
    """The plan of a study called `name`. Nothing is written.

    arms: with their configs, or name -> configs; a config that stands in several arms is trained once. axes: of
    `Study`. measures: arm -> ids that are measured on its checkpoints; none where it has none. readings: arm -> what
    verdicts read of its checkpoints. mixed: runs of different arms may share a pack, as in a sweep; else only those of
    one arm do, so that no arm trains on until another has generalised. device: cpu or cuda, where the packs will be
    trained; on a GPU they are as large as there are runs. kept: which checkpoints stay, where none is looked at. looks:
    of `Study`. Raises ValueError without an arm and for an arm without a run, GrokscopeError where there is no GPU.
    """
    known = () if axes else families()
    arms = placed(arms if isinstance(arms, Arms) else read_arms(arms, known), known, lambda config: config)
    _require_runs(arms)
    chosen = chosen_device(device)
    wanted = Wanted(arms, mixed=mixed)
    for config in wanted.examples:
        require_fits(config, chosen)
    store, measures, readings = opened(store), measures or {}, readings or {}
    if store.exists() and not store.is_dir():
        raise StoreError(f"cannot write to {store}: it is not a folder")
    whole = bool(readings or any(measures.values()))
    study_id = f"{name}-{wanted.digest[:8]}"
    layout = laid_out(wanted, study_id, store, chosen, whole=whole)
    packs, runs = layout.named()
    if whole:
        _require_checkpoints([store / pack for pack in packs])
    each = iter(runs)
    study = Study(
        id=study_id,
        name=name,
        store=store,
        arms=arms.having(lambda arm: list(islice(each, len(arm)))),
        measures=tuple(dict.fromkeys(id_ for ids in measures.values() for id_ in ids)),
        axes={axis: tuple(values) for axis, values in (axes or {}).items()},
        packs={pack: len(layout.pack(place)) for place, pack in enumerate(packs)},
        looks=looks,
    )
    wants = _wants(study, arms, measures, readings) if whole else _Wants()
    others = sorted({pack_of(run) for run in layout.elsewhere.values()}) if whole else []
    borrowed = {pack: [run.config for run in load_pack(store / pack)] for pack in others}
    damaged = [f"{folder} is damaged and left out" for folder in layout.damaged]
    there = set(os.listdir(store)) if store.is_dir() else set[str]()
    found = partial(_planned, store, there, wants)
    return Plan(
        study=study,
        packs=tuple(
            found(
                pack,
                Configs(layout, place),
                shape=layout.shape(place),
                soonest=layout.soonest(place),
                kept="all" if whole else kept,
            )
            for place, pack in enumerate(packs)
        ),
        borrowed=tuple(
            found(pack, configs, shape=shape_of(configs[0]), soonest=max(map(soonest_end, configs)))
            for pack, configs in borrowed.items()
        ),
        reused=len(layout.elsewhere),
        notes=(*_notes(wanted, map(layout.shape, range(len(packs) if mixed else 0))), *damaged),
        device=device,
    )


def too_few(arms: Mapping[str, Sequence[RunConfig]]) -> str | None:
    """A sentence about arms with fewer seeds than any prediction is decided from; None where there is none."""
    few = {arm: len(configs) for arm, configs in arms.items() if len(configs) < FEWEST}
    if not few:
        return None
    arm, n_runs = next(iter(few.items()))
    others = f" and {len(few) - 1} other arms" if len(few) > 1 else ""
    return f"arm {arm!r} ({n_runs} runs){others} decide nothing: a verdict needs at least {FEWEST} seeds"


def _require_checkpoints(packs: Iterable[Path]) -> None:
    """GrokscopeError for packs that a sweep has trained under the same id: a study that looks at checkpoints needs
    those between."""
    short = [pack for pack in packs if _kept_few(pack)]
    if short:
        raise GrokscopeError(
            f"{len(short)} packs of this study kept only their first and last checkpoint, as a sweep does, and it "
            f"measures those between: move them away and they are trained again ({short[0]}, ...)"
        )


def _kept_few(pack: Path) -> bool:
    try:
        return kept_of(pack) == "ends"
    except StoreError:  # it is tried, and fails with the reason
        return False


def _require_runs(arms: Arms[RunConfig]) -> None:
    empty = [arm for arm, configs in arms.items() if not len(configs)]
    if not arms or empty:
        raise ValueError(f"arm {empty[0]!r} has no run" if empty else "a study needs at least one arm, got none")


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """A run that may not be trained yet."""

    id: str
    config: RunConfig


@dataclass(frozen=True, kw_only=True)
class _Wants:
    """What is wanted beside the weights. measures, asked: by run. measured: packs that have their measures."""

    measures: Mapping[str, Iterable[str]] = field(default_factory=dict)
    measured: Set[str] = frozenset()
    asked: Mapping[str, Asked] = field(default_factory=dict)


def _wants(
    study: Study,
    arms: Arms[RunConfig],
    measures: Mapping[str, Sequence[str]],
    readings: Mapping[str, Sequence[At]],
) -> _Wants:
    """Of each run, what the arms in which it stands ask for together."""
    by_run: dict[str, dict[str, None]] = {}
    for name, arm in study.arms.items():
        for run in arm:
            by_run.setdefault(run, {}).update(dict.fromkeys(measures.get(name, ())))

    def runs(arm: Sequence[RunConfig], ids: Sequence[str]) -> list[_Placed]:
        return [_Placed(id=run, config=config) for run, config in zip(ids, arm, strict=True)]

    asked = asked_by_run(arms.having(lambda arm: runs(arm, study.arms[arm.name])), readings)
    return _Wants(measures=by_run, measured=study.measured(), asked=asked)


def _planned(
    store: Path, there: Set[str], wants: _Wants, pack: str, configs: Sequence[RunConfig], **about: Any
) -> Planned:
    """there: names in the store; a million packs that are not among them are looked for once."""
    runs = run_ids(pack, len(configs))
    measures = tuple(dict.fromkeys(id_ for run in runs for id_ in wants.measures.get(run, ())))
    asked = tuple(wants.asked[run] for run in runs if run in wants.asked)
    about |= {"id": pack, "configs": configs, "most": configs[0].max_steps, "measures": measures, "asked": asked}
    if pack not in there:
        return Planned(state="missing", **about)
    folder = store / pack
    trained = is_finished(folder) and (pack in wants.measured or not measures)
    done = trained and _all_taken(folder, asked)
    early = [part for of_run in asked for part in of_run.split(late=False)]
    begun = (folder / "pack.json").exists()
    waits = trained and not done and _all_taken(folder, early)
    return Planned(state="done" if done else "begun" if begun else "missing", waits=waits, **about)


def _all_taken(folder: Path, asked: Sequence[Asked]) -> bool:
    """Whether a pack has every reading; one whose readings are damaged is tried, and fails with the reason."""
    try:
        records = read_readings(folder) if asked else {}
    except StoreError:
        return False
    return not any(of_run.lacking(records) for of_run in asked)


def _notes(wanted: Wanted, of_packs: Iterable[str]) -> Iterator[str]:
    shapes = [json.loads(shape) for shape in set(of_packs)]
    if len(shapes) > 1:
        fields = set().union(*shapes)
        differ = sorted(name for name in fields if len({json.dumps(shape.get(name)) for shape in shapes}) > 1)
        yield f"runs that differ in {', '.join(differ)} cannot share a pack: they train in packs of {len(shapes)} kinds"
    yield from dict.fromkeys(remark for seeds in wanted.stretches for remark in seeds.first.remarks)

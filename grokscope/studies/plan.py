"""From arms to packs: which runs are trained together, and which the store has already.

A run is told by its config, in whatever pack it trains. What is left when those that are done are taken away is grouped
into packs of equal shapes; a pack that was begun is gone on with as it is. How a study was packed is kept in its
plan.json, so that started again it goes on with the same packs, and each ends in the same weights.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from grokscope.errors import StoreError
from grokscope.predictions.arms import Arms
from grokscope.predictions.controls import asked_by_run
from grokscope.predictions.families import placed, read_arms
from grokscope.predictions.readings import At
from grokscope.predictions.taking import Asked
from grokscope.runs.config import RunConfig, pack_id
from grokscope.runs.identity import run_ids
from grokscope.runs.run import load_pack
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.index import index
from grokscope.runs.store.mirror import opened
from grokscope.runs.store.readings import read_readings
from grokscope.studies.study import Study, load_study, pack_of
from grokscope.theories.base import families
from grokscope.training.device import chosen_device
from grokscope.training.memory import in_packs, n_parameters, require_fits

# Products of a forward pass of a whole pack from which more replicas gain nothing, and the most replicas. On one thread
# 64 replicas of 7 residues and 16 channels make 38 times the steps of one, 8 of 59 and 32 make 1.9 times, and networks
# of 59 and 128 never more than 1.2 times (docs/scale.md). A larger pack only waits longer for its slowest replica.
WORK, LARGEST = 2e8, 64
# Runs that cannot end before others have taken twice as long are packed apart: a pack trains until its last run has
# generalised.
APART = 2.0
# A run generalises no sooner than about so many times 1 / (rate x weight decay), the time in which decay shrinks the
# weights by e: 3.9 (quickstart), 6.4 (nanda2023), 4.9 (31 residues), medians of docs/results.md. Many never do.
DECAY_TIMES = 4.0
# Seeds below which no prediction is decided (docs: predictions, "How decided").
DECIDING = 5

Keys = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One pack of a plan. soonest, most: between which steps it is expected to end. measures: ids measured on its
    checkpoints. asked: readings that are taken of its runs."""

    id: str
    configs: tuple[RunConfig, ...]
    state: Literal["done", "begun", "missing"]
    soonest: int
    most: int
    measures: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """A run that may not be trained yet."""

    id: str
    config: RunConfig


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study and the packs that it trains, in the order of its arms.

    reused: runs that other packs of the store have done. borrowed: those packs, where the study measures something.
    notes: what is allowed but does less than it seems, and what of the store cannot be read. device: cpu or cuda.
    """

    study: Study
    packs: tuple[Planned, ...]
    borrowed: tuple[Planned, ...]
    reused: int
    notes: tuple[str, ...]
    device: str = "cpu"

    @property
    def todo(self) -> list[Planned]:
        """The packs that are not done, begun ones first; done is what is trained and, where asked, measured."""
        left = [pack for pack in (*self.borrowed, *self.packs) if pack.state != "done"]
        return sorted(left, key=lambda pack: pack.state != "begun")


@dataclass
class _Layout:
    """packs: keys of configs. elsewhere: key -> run of another pack. Both fill up until every wanted key is placed."""

    wanted: dict[str, tuple[str, RunConfig]]
    packs: list[Keys] = field(default_factory=list)
    elsewhere: dict[str, str] = field(default_factory=dict)

    def missing(self) -> set[str]:
        return self.wanted.keys() - self.elsewhere.keys() - {key for pack in self.packs for key in pack}


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
) -> Plan:
    """The plan of a study called `name`. Nothing is written.

    arms: with their configs, or name -> configs; a config that stands in several arms is trained once. axes: of
    `Study`. measures: arm -> ids that are measured on its checkpoints; none where it has none. readings: arm -> what
    verdicts read of its checkpoints. mixed: runs of
    different arms may share a pack, as in a sweep; else only those of one arm do, so that no arm trains on until
    another has generalised. device: cpu or cuda, where the packs will be trained; on a GPU they are as large as there
    are runs. Raises ValueError without an arm and for an arm without a run, GrokscopeError where there is no GPU.
    """
    if not isinstance(arms, Arms):
        arms = read_arms(arms, () if axes else families())
    arms = placed(arms, () if axes else families(), lambda config: config)
    empty = [arm for arm, configs in arms.items() if not len(configs)]
    if not arms or empty:
        raise ValueError(f"arm {empty[0]!r} has no run" if empty else "a study needs at least one arm, got none")
    chosen = chosen_device(device)
    for config in {shape_of(config): config for configs in arms.values() for config in configs}.values():
        require_fits(config, chosen)
    store, measures = opened(store), measures or {}
    if store.exists() and not store.is_dir():
        raise StoreError(f"cannot write to {store}: it is not a folder")
    keys = {arm: tuple(config.key for config in configs) for arm, configs in arms.items()}
    layout = _Layout({})
    for arm, configs in arms.items():
        for key, config in zip(keys[arm], configs, strict=True):
            layout.wanted.setdefault(key, ("" if mixed else arm, config))
    study_id = f"{name}-{hashlib.sha256(json.dumps(keys).encode()).hexdigest()[:8]}"
    damaged = _fill(layout, store, study_id, keys, chosen)
    packs = {
        pack_id(configs): configs for configs in ([layout.wanted[key][1] for key in pack] for pack in layout.packs)
    }
    place = dict(layout.elsewhere)
    for one, pack in zip(packs, layout.packs, strict=True):
        place |= zip(pack, run_ids(one, len(pack)), strict=True)
    study = Study(
        id=study_id,
        name=name,
        store=store,
        arms=arms.having(lambda arm: [place[key] for key in keys[arm.name]]),
        measures=tuple(dict.fromkeys(id_ for ids in measures.values() for id_ in ids)),
        axes={axis: tuple(values) for axis, values in (axes or {}).items()},
        packs={one: len(configs) for one, configs in packs.items()},
    )
    wants = _Wants(
        measures=_by_key(measures, keys), measured=study.measured(), asked=_asked(arms, keys, place, readings or {})
    )
    others = sorted({pack_of(run) for run in layout.elsewhere.values()}) if study.measures or readings else []
    borrowed = {one: [run.config for run in load_pack(store / one)] for one in others}
    return Plan(
        study=study,
        packs=tuple(_planned(store, one, configs, wants) for one, configs in packs.items()),
        borrowed=tuple(_planned(store, one, configs, wants) for one, configs in borrowed.items()),
        reused=len(layout.elsewhere),
        notes=(
            *_notes(arms, packs.values() if mixed else ()),
            *(f"{folder} is damaged and left out" for folder in damaged),
        ),
        device=device,
    )


def soonest_end(config: RunConfig) -> int:
    """When a run may have generalised and end; max_steps where it is not weight decay that brings it there."""
    if config.random_labels or not config.decay_sets_the_time:
        return config.max_steps
    until = DECAY_TIMES / (config.rate * config.weight_decay) + config.weight_decay_start
    return min(config.max_steps, round(until + config.stop_after * config.evaluate_every))


def work_of(config: RunConfig) -> float:
    """Products of a forward pass of one run, about: training inputs times weights."""
    n_train = config.batch_size or config.n_train or config.train_fraction * config.task_size().n_inputs
    return n_train * n_parameters(config)


def shape_of(config: RunConfig) -> str:
    """What the runs of a pack have in common."""
    allowed = config.may_differ
    return json.dumps({name: value for name, value in config if name not in allowed})


def _fill(layout: _Layout, store: Path, study_id: str, keys: Mapping[str, Keys], device: torch.device) -> list[Path]:
    """Place every wanted run; returns the folders of the store that cannot be read."""
    if (store / "studies" / study_id / "plan.json").exists():
        earlier = load_study(store, study_id)
        place = {run: key for arm, runs in earlier.arms.items() for run, key in zip(runs, keys[arm], strict=True)}
        packs = earlier.packs.items()
        layout.packs = [tuple(place[run] for run in run_ids(pack, n_runs)) for pack, n_runs in packs]
        layout.elsewhere = {
            key: run
            for run, key in place.items()
            if pack_of(run) not in earlier.packs and _is_readable(store / pack_of(run))
        }
    missing = layout.missing()
    if not missing:
        return []
    found = index(store, missing)
    layout.elsewhere |= {key: run for key, run in found.done.items() if key in missing}
    missing -= found.done.keys()
    for pack in found.begun.values():
        if missing.issuperset(pack):
            layout.packs.append(pack)
            missing -= set(pack)
    layout.packs += _compose(layout, device)
    return found.damaged


def _compose(layout: _Layout, device: torch.device) -> Iterator[Keys]:
    """What is not placed yet, in packs: by shape, then by when they may end, then by size."""
    groups: dict[tuple[str, str], list[tuple[str, RunConfig]]] = {}
    missing = layout.missing()
    for key, (arm, config) in layout.wanted.items():
        if key in missing:
            groups.setdefault((arm, shape_of(config)), []).append((key, config))
    for group in groups.values():
        size = LARGEST if device.type == "cuda" else min(LARGEST, max(1, round(WORK / work_of(group[0][1]))))
        for alike in _alike(group):
            n_packs = -(-len(alike) // size)
            each = -(-len(alike) // n_packs)
            for start in range(0, len(alike), each):
                some = alike[start : start + each]
                key_of = {id(config): key for key, config in some}
                for pack in in_packs([config for _, config in some], device):
                    yield tuple(key_of[id(config)] for config in pack)


def _alike(group: list[tuple[str, RunConfig]]) -> Iterator[list[tuple[str, RunConfig]]]:
    """Stretches whose soonest ends lie within a factor."""
    steps = {key: soonest_end(config) for key, config in group}
    ordered = sorted(group, key=lambda one: steps[one[0]])
    start = 0
    for place, (key, _) in enumerate(ordered):
        if steps[key] > APART * steps[ordered[start][0]]:
            yield ordered[start:place]
            start = place
    yield ordered[start:]


def _by_key(measures: Mapping[str, Sequence[str]], keys: Mapping[str, Keys]) -> dict[str, Keys]:
    """What is measured of a run, by its key: what the arms it stands in ask for together."""
    found: dict[str, dict[str, None]] = {}
    for arm, listed in keys.items():
        for key in listed:
            found.setdefault(key, {}).update(dict.fromkeys(measures.get(arm, ())))
    return {key: tuple(ids) for key, ids in found.items()}


@dataclass(frozen=True, kw_only=True)
class _Wants:
    """What is wanted beside the weights. measures: by config. measured: packs that have them. asked: by run."""

    measures: Mapping[str, Keys]
    measured: Set[str]
    asked: Mapping[str, Asked]


def _asked(
    arms: Arms[RunConfig], keys: Mapping[str, Keys], place: Mapping[str, str], readings: Mapping[str, Sequence[At]]
) -> dict[str, Asked]:
    """What is to be taken of each run: what the arms that it stands in ask for together."""
    runs = arms.having(
        lambda arm: [_Placed(id=place[key], config=config) for key, config in zip(keys[arm.name], arm, strict=True)]
    )
    return asked_by_run(runs, readings)


def _all_taken(folder: Path, asked: Sequence[Asked]) -> bool:
    """Whether a pack has every reading; one whose readings are damaged is tried, and fails with the reason."""
    try:
        records = read_readings(folder) if asked else {}
    except StoreError:
        return False
    return not any(one.lacking(records) for one in asked)


def _planned(
    store: Path,
    pack: str,
    configs: Sequence[RunConfig],
    wants: _Wants,
) -> Planned:
    folder = store / pack
    measures = tuple(dict.fromkeys(id_ for config in configs for id_ in wants.measures.get(config.key, ())))
    runs = run_ids(pack, len(configs))
    asked = tuple(wants.asked[run] for run in runs if run in wants.asked)
    done = _is_finished(folder) and (pack in wants.measured or not measures) and _all_taken(folder, asked)
    return Planned(
        id=pack,
        configs=tuple(configs),
        state="done" if done else "begun" if (folder / "pack.json").exists() else "missing",
        soonest=max(map(soonest_end, configs)),
        most=configs[0].max_steps,
        measures=measures,
        asked=asked,
    )


def _is_finished(folder: Path) -> bool:
    """A pack whose events are damaged is not: it is tried, and fails with the reason, and holds up no other."""
    try:
        return finished_at(folder) is not None
    except StoreError:
        return False


def _is_readable(folder: Path) -> bool:
    """A finished pack whose description is whole: what others have done can be told from it."""
    try:
        return finished_at(folder) is not None and bool(read_pack(folder))
    except StoreError:
        return False


def _notes(arms: Mapping[str, Sequence[RunConfig]], packs: Any) -> Iterator[str]:
    shapes = {shape_of(configs[0]) for configs in packs}
    if len(shapes) > 1:
        fields = [json.loads(shape) for shape in shapes]
        differ = sorted(name for name in set().union(*fields) if len({json.dumps(one.get(name)) for one in fields}) > 1)
        yield f"runs that differ in {', '.join(differ)} cannot share a pack: they train in packs of {len(shapes)} kinds"
    yield from dict.fromkeys(remark for configs in arms.values() for config in configs for remark in config.remarks)


def too_few(arms: Mapping[str, Sequence[RunConfig]]) -> str | None:
    """A sentence about arms with fewer seeds than any prediction is decided from; None where there is none."""
    few = {arm: len(configs) for arm, configs in arms.items() if len(configs) < DECIDING}
    if not few:
        return None
    arm, n_runs = next(iter(few.items()))
    others = f" and {len(few) - 1} other arms" if len(few) > 1 else ""
    return f"arm {arm!r} ({n_runs} runs){others} decide nothing: a verdict needs at least {DECIDING} seeds"

"""Which runs are trained together, and which the store has already.

A run is identified by its config, whatever pack trains it. Finished runs are removed; the rest are grouped into packs
of equal shape. A started pack resumes unchanged. A study's plan.json keeps its packs, so that the study, started again,
goes on with them, and each ends in the same weights.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from grokscope.errors import StoreError
from grokscope.runs.config import RunConfig, pack_id
from grokscope.runs.identity import run_ids
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.index import index
from grokscope.studies.study import FOLDER, load_study, pack_of
from grokscope.training.memory import in_packs, n_parameters

# A pack whose forward pass takes more than WORK products gains nothing from more replicas, nor one of LARGEST replicas:
# it only waits longer for its slowest one. On one thread 64 replicas of 7 residues and 16 channels make 38 times the
# steps of one, 8 of 59 and 32 make 1.9 times, and networks of 59 and 128 never more than 1.2 times (docs/scale.md).
WORK, LARGEST = 2e8, 64
# A pack trains until its last run has generalised: runs whose soonest ends differ by this factor are packed apart.
APART = 2.0
# A run generalises no sooner than about so many times 1 / (rate x weight decay), the time in which decay shrinks the
# weights by e: 3.9 (quickstart), 6.4 (nanda2023), 4.9 (31 residues), medians of docs/results. Many never do.
DECAY_TIMES = 4.0

Keys = tuple[str, ...]


@dataclass
class Layout:
    """Where the runs of a study are, or will be trained.

    wanted: key of a config -> the arm whose runs may share its pack, and the config. packs: keys of their configs.
    elsewhere: key -> finished run of another pack. damaged: packs of the store that cannot be read.
    """

    wanted: Mapping[str, tuple[str, RunConfig]]
    packs: list[Keys] = field(default_factory=list)
    elsewhere: dict[str, str] = field(default_factory=dict)
    damaged: list[Path] = field(default_factory=list)

    def missing(self) -> set[str]:
        """Keys that have no place yet."""
        return self.wanted.keys() - self.elsewhere.keys() - {key for pack in self.packs for key in pack}

    def named(self) -> tuple[dict[str, list[RunConfig]], dict[str, str]]:
        """The configs of each pack by its id, and the id of each run by the key of its config."""
        packs, runs = {}, dict(self.elsewhere)
        for keys in self.packs:
            configs = [self.wanted[key][1] for key in keys]
            packs[pack := pack_id(configs)] = configs
            runs |= zip(keys, run_ids(pack, len(keys)), strict=True)
        return packs, runs


def laid_out(
    wanted: Mapping[str, tuple[str, RunConfig]],
    study: str,
    keys: Mapping[str, Keys],
    store: Path,
    device: torch.device,
    *,
    whole: bool = False,
) -> Layout:
    """A place for every wanted run. keys: arm of the study -> keys of its configs. whole: only packs that kept all of
    their checkpoints count as the store's. Nothing is written."""
    layout = Layout(wanted)
    if (store / FOLDER / study / "plan.json").exists():
        _as_before(layout, study, keys, store)
    missing = layout.missing()
    if not missing:
        return layout
    stored = index(store, missing, whole=whole)
    layout.damaged = stored.damaged
    layout.elsewhere |= {key: run for key, run in stored.done.items() if key in missing}
    missing -= stored.done.keys()
    for pack in stored.begun.values():
        if missing.issuperset(pack):
            layout.packs.append(pack)
            missing -= set(pack)
    layout.packs += _composed(layout, device)
    return layout


def _as_before(layout: Layout, study: str, keys: Mapping[str, Keys], store: Path) -> None:
    """The packs of the study's earlier plan, and the runs of others that are still there."""
    earlier = load_study(store, study)
    key_of = {run: key for arm, runs in earlier.arms.items() for run, key in zip(runs, keys[arm], strict=True)}
    layout.packs = [tuple(key_of[run] for run in run_ids(pack, n_runs)) for pack, n_runs in earlier.packs.items()]
    layout.elsewhere = {
        key: run
        for run, key in key_of.items()
        if pack_of(run) not in earlier.packs and _is_readable(store / pack_of(run))
    }


def _composed(layout: Layout, device: torch.device) -> Iterator[Keys]:
    """Packs of what has no place yet: by arm and shape, then by soonest end, then by size."""
    groups: dict[tuple[str, str], list[RunConfig]] = {}
    missing = layout.missing()
    for key, (arm, config) in layout.wanted.items():
        if key in missing:
            groups.setdefault((arm, shape_of(config)), []).append(config)
    for group in groups.values():
        largest = LARGEST if device.type == "cuda" else min(LARGEST, max(1, round(WORK / work_of(group[0]))))
        for alike in _alike(group):
            n_packs = -(-len(alike) // largest)
            size = -(-len(alike) // n_packs)
            for start in range(0, len(alike), size):
                for pack in in_packs(alike[start : start + size], device):
                    yield tuple(config.key for config in pack)


def _alike(group: Sequence[RunConfig]) -> Iterator[list[RunConfig]]:
    """Stretches whose soonest ends lie within a factor."""
    ends = {config.key: soonest_end(config) for config in group}
    ordered = sorted(group, key=lambda config: ends[config.key])
    start = 0
    for place, config in enumerate(ordered):
        if ends[config.key] > APART * ends[ordered[start].key]:
            yield ordered[start:place]
            start = place
    yield ordered[start:]


def soonest_end(config: RunConfig) -> int:
    """The earliest step at which a run may have generalised and end; max_steps where weight decay does not bring it
    there."""
    if config.random_labels or not config.decay_sets_the_time:
        return config.max_steps
    until = DECAY_TIMES / (config.rate * config.weight_decay) + config.weight_decay_start
    return min(config.max_steps, round(until + config.stop_after * config.evaluate_every))


def work_of(config: RunConfig) -> float:
    """About how many products a forward pass of one run takes: training inputs times weights."""
    n_train = config.batch_size or config.n_train or config.train_fraction * config.task_size().n_inputs
    return n_train * n_parameters(config)


def shape_of(config: RunConfig) -> str:
    """The fields that all runs of a pack share, as JSON."""
    allowed = config.may_differ
    return json.dumps({name: value for name, value in config if name not in allowed})


def _is_readable(folder: Path) -> bool:
    """A finished pack whose description is whole: what others have done can be told from it."""
    try:
        return finished_at(folder) is not None and bool(read_pack(folder))
    except StoreError:
        return False

"""Which runs are trained together, and which the store has already.

A run is identified by its config, whatever pack trains it. Finished runs are removed; the rest are grouped into packs
of equal shape. A started pack resumes unchanged. A study's plan.json keeps its packs, so that the study, started again,
goes on with them, and each ends in the same weights.
"""

import hashlib
import json
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool

from grokscope.errors import StoreError
from grokscope.predictions.arms import Arms, runs_of
from grokscope.runs.config import RunConfig
from grokscope.runs.identity import pack_of_identities, run_ids
from grokscope.runs.seeds import Seeds, by_seed
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
# Of a key as many digits count: two of 10^6 runs share 64 bits with a chance of 3e-8; ids of packs have 48.
DIGITS = 16


class Wanted:
    """The runs that a plan wants, numbered through its arms; what takes memory of each lies in arrays.

    digest: hash of the configs by arm. stretches: runs that differ in nothing but the seed; group, ends: of each, its
    group and the step of its soonest end. A group may share packs: runs of one shape, and of one arm unless `mixed`;
    examples, shapes: of each, a config and the shape. first: number of the first run with the same config.
    """

    def __init__(self, arms: Arms[RunConfig], *, mixed: bool) -> None:
        digest, groups = hashlib.sha256(), dict[tuple[str, str], int]()
        keys, group = array("Q"), array("q")
        self.stretches: list[Seeds] = []
        self.examples: list[RunConfig] = []
        self.ends: list[int] = []
        for name, arm in arms.items():
            own: list[str] = []
            digest.update(b", " if keys else b"{")
            for seeds in by_seed(arm.runs):
                kind = ("" if mixed else name, shape_of(seeds.first))
                self.examples += [seeds.first] if kind not in groups else []
                group.append(groups.setdefault(kind, len(groups)))
                self.ends.append(soonest_end(seeds.first))
                self.stretches.append(seeds)
                own += seeds.keys()
            digest.update(json.dumps({name: own})[1:-1].encode())
            keys.extend(int(key[:DIGITS], 16) for key in own)
        digest.update(b"}")
        self.digest, self.shapes = digest.hexdigest(), [shape for _, shape in groups]
        self.group = np.asarray(group)
        self._starts = np.cumsum([0, *map(len, self.stretches)])
        self._keys, places, alike = np.unique(np.asarray(keys), return_index=True, return_inverse=True)
        self.first, self._places = places[alike], places

    def __len__(self) -> int:
        return len(self.first)

    def stretch(self, numbers: Any) -> Any:
        """The stretches in which runs stand."""
        return np.searchsorted(self._starts, numbers, side="right") - 1

    def config(self, number: int) -> RunConfig:
        """The config of a run."""
        place = self.stretch(number)
        return self.stretches[place][number - self._starts[place]]

    def identity(self, number: int) -> str:
        """What identifies a run (`identity.identity`)."""
        place = self.stretch(number)
        return self.stretches[place].identity(number - self._starts[place])

    def number(self, key: str) -> int | None:
        """The number of the first run with this key; None for a run that nobody wants."""
        value = np.uint64(int(key[:DIGITS], 16))
        place = int(np.searchsorted(self._keys, value))
        return int(self._places[place]) if place < len(self._keys) and self._keys[place] == value else None


class Configs(Sequence[RunConfig]):
    """The configs of a pack of a layout; they are made when they are asked for."""

    __slots__ = ("_layout", "_place")

    def __init__(self, layout: "Layout", place: int) -> None:
        self._layout, self._place = layout, place

    def __len__(self) -> int:
        return len(self._layout.pack(self._place))

    def __getitem__(self, place: Any) -> Any:
        numbers, config = self._layout.pack(self._place)[place], self._layout.wanted.config
        return tuple(map(config, numbers)) if isinstance(place, slice) else config(numbers)


@dataclass
class Layout:
    """Where the runs of a study are, or will be trained.

    elsewhere: number of a run -> finished run of another pack. damaged: packs of the store that cannot be read.
    """

    wanted: Wanted
    elsewhere: dict[int, str] = field(default_factory=dict)
    damaged: list[Path] = field(default_factory=list)
    _numbers: "array[int]" = field(default_factory=lambda: array("q"))  # of the runs, pack by pack
    _ends: "array[int]" = field(default_factory=lambda: array("q", [0]))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, numbers: Iterable[int]) -> None:
        """A pack of these runs."""
        self._numbers.extend(numbers)
        self._ends.append(len(self._numbers))

    def pack(self, place: int) -> "array[int]":
        """The numbers of a pack's runs."""
        return self._numbers[self._ends[place] : self._ends[place + 1]]

    def shape(self, place: int) -> str:
        """The shape of a pack's runs."""
        return self.wanted.shapes[self.wanted.group[self.wanted.stretch(self.pack(place)[0])]]

    def soonest(self, place: int) -> int:
        """The step at which the last run of a pack may end."""
        return max(self.wanted.ends[stretch] for stretch in {*self.wanted.stretch(self.pack(place)).tolist()})

    def missing(self) -> Bool[np.ndarray, " run"]:
        """Which runs have no place yet; of several with one config, the first."""
        missing = self.wanted.first == np.arange(len(self.wanted))
        missing[[*self.elsewhere]] = False
        missing[np.asarray(self._numbers)] = False
        return missing

    def named(self) -> tuple[list[str], list[str]]:
        """The ids of the packs, and the ids of all runs."""
        packs: list[str] = []
        runs = np.empty(len(self.wanted), object)
        for place in range(len(self)):
            numbers = self.pack(place)
            packs.append(pack_of_identities(map(self.wanted.identity, numbers)))
            runs[np.asarray(numbers)] = run_ids(packs[-1], len(numbers))
        runs[[*self.elsewhere]] = [*self.elsewhere.values()]
        return packs, runs[self.wanted.first].tolist()


def laid_out(wanted: Wanted, study: str, store: Path, device: torch.device, *, whole: bool = False) -> Layout:
    """A place for every wanted run. whole: only packs that kept all of their checkpoints count as the store's. Nothing
    is written."""
    layout = Layout(wanted)
    if (store / FOLDER / study / "plan.json").exists():
        _as_before(layout, study, store)
    missing = layout.missing()
    if not missing.any():
        return layout

    def place(key: str) -> int | None:
        number = wanted.number(key)
        return number if number is not None and missing[number] else None

    stored = index(store, place, whole=whole)
    layout.damaged = stored.damaged
    layout.elsewhere |= stored.done
    missing = layout.missing()
    for pack in stored.begun.values():
        known = [number for number in pack if number is not None and missing[number]]
        if len(known) == len(pack):
            layout.add(known)
            missing[known] = False
    _compose(layout, missing, device)
    return layout


def _as_before(layout: Layout, study: str, store: Path) -> None:
    """The packs of the study's earlier plan, and the runs of others that are still there."""
    earlier = load_study(store, study)
    number_of = dict(zip(runs_of(earlier.arms), layout.wanted.first.tolist(), strict=True))
    for pack, n_runs in earlier.packs.items():
        layout.add(number_of[run] for run in run_ids(pack, n_runs))
    layout.elsewhere = {
        number: run
        for run, number in number_of.items()
        if pack_of(run) not in earlier.packs and _is_readable(store / pack_of(run))
    }


def _compose(layout: Layout, missing: Bool[np.ndarray, " run"], device: torch.device) -> None:
    """Packs of what has no place yet: by arm and shape, then by soonest ends within a factor, then by size."""
    wanted, numbers = layout.wanted, np.flatnonzero(missing)
    stretches = wanted.stretch(numbers)
    _, first, alike = np.unique(wanted.group[stretches], return_index=True, return_inverse=True)
    leaders, ends = numbers[first][alike], np.asarray(wanted.ends)[stretches]
    ordered = np.lexsort((ends, leaders))
    numbers, leaders, ends = numbers[ordered], leaders[ordered], ends[ordered]
    start = 0
    while start < len(numbers):
        last = np.searchsorted(leaders, leaders[start], side="right")
        stop = start + np.searchsorted(ends[start:last], APART * ends[start], side="right")
        work = work_of(wanted.config(leaders[start]))
        largest = LARGEST if device.type == "cuda" else min(LARGEST, max(1, round(WORK / work)))
        size = -(-(stop - start) // -(-(stop - start) // largest))
        for place in range(start, stop, size):
            together = numbers[place : min(place + size, stop)].tolist()
            for pack in in_packs([wanted.config(number) for number in together], device):
                layout.add(together[: len(pack)])
                del together[: len(pack)]
        start = stop


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

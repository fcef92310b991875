"""The runs of a race: what is trained for the tuning, for the judging and as a check for leaks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from grokscope.runs.config import RunConfig
from grokscope.studies.race.base import Changes, Method, Setting

Part = Literal["tuning", "judging", "negative"]
Goal = Literal["fast", "steady", "given"]
NEGATIVE_SEEDS = 3  # a leak shows in every seed


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run. part: what it is for. goal: what its cell was chosen for: the soonest mean time, the same among cells
    that never fall back, or given. control: the name of a negative arm. split, stays: of the setting."""

    setting: str
    part: Part
    method: str
    goal: Goal
    cell: Changes
    seed: int
    config: RunConfig
    control: str = ""
    split: Literal["fresh", "test"] = "fresh"
    stays: bool = True


def tuning(methods: Mapping[str, Method], setting: Setting) -> Iterator[Entry]:
    """Every cell of every method that is tuned, with every tuning seed: the same number of runs for each."""
    for name, method in methods.items():
        for cell in () if method.fixed else method.cells(setting):
            for seed in setting.tuning_seeds:
                config = method.config(setting, cell, seed, max_steps=setting.tuning_steps)
                about = {"part": "tuning", "method": name, "goal": "given", "cell": cell, "seed": seed}
                yield _entry(setting, config=config, **about)


def judging(
    methods: Mapping[str, Method], setting: Setting, chosen: Mapping[tuple[str, Goal], Changes], seeds: int
) -> Iterator[Entry]:
    """The chosen cells with new seeds: for one seed the split, the start and the order of batches are those of every
    arm. Negative arms follow with the cell of the first goal."""
    for (name, goal), cell in chosen.items():
        method = methods[name]
        about = {"method": name, "goal": goal, "cell": cell}
        for seed in range(setting.first_seed, setting.first_seed + seeds):
            yield _entry(setting, part="judging", seed=seed, config=method.config(setting, cell, seed), **about)
        for control, changes in setting.negative.items() if goal != "steady" else ():
            for seed in range(setting.first_seed, setting.first_seed + min(seeds, NEGATIVE_SEEDS)):
                config = method.config(setting, {**cell, **changes}, seed)
                yield _entry(setting, part="negative", seed=seed, config=config, control=control, **about)


def published(setting: Setting, seeds: int) -> Iterator[Entry]:
    """The arms of a setting that repeats what was published, as they are."""
    for name, changes in setting.arms.items():
        for seed in range(setting.first_seed, setting.first_seed + seeds):
            config = setting.config().replace(**{**changes, "seed": seed})
            about = {"part": "judging", "method": name, "goal": "given", "cell": changes, "seed": seed}
            yield _entry(setting, config=config, **about)


def _entry(setting: Setting, **about: Any) -> Entry:
    """A run of a setting, which says when it has arrived."""
    return Entry(setting=setting.id, split=setting.split, stays=setting.stays, **about)


def by_method(entries: Sequence[Entry]) -> dict[str, list[RunConfig]]:
    """The arms of a plan: the runs of one method share packs, so that another method changes none of them."""
    arms: dict[str, list[RunConfig]] = {}
    for entry in entries:
        arms.setdefault(entry.method, []).append(entry.config)
    return arms

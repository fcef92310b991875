"""The course of a race over its settings: what it will cost, and its results, with as many seeds as are asked for."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from grokscope.errors import Missing
from grokscope.predictions.scales import LOOKS
from grokscope.statistics.looks import Looks
from grokscope.studies.conduct import division
from grokscope.studies.estimate import estimate
from grokscope.studies.plan import Plan
from grokscope.studies.race.base import Changes, Method, Setting
from grokscope.studies.race.claims import claims
from grokscope.studies.race.entries import Goal
from grokscope.studies.race.results import Result
from grokscope.studies.race.running import How, judging_plan, planned, read, run, tuning_plan
from grokscope.studies.race.standing import race

SIZES = LOOKS["laptop"]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a plan of a race takes, if nothing of it stops early. packs, runs: that are not done. seconds: on the clock.
    bytes: of disk, at most. part: tuning or judging."""

    setting: str
    part: str
    runs: int
    packs: int
    seconds: float
    bytes: int


def costs(methods: Mapping[str, Method], settings: Sequence[Setting], how: How) -> Iterator[Cost]:
    """The cost of what is missing. The first cell of a method stands for that which its tuning will choose."""
    for setting in settings:
        plans: dict[str, Plan] = {}
        tuned: list[Result] = []
        if (made := tuning_plan(methods, setting, how.store)) is not None:
            plans["tuning"], tuned = made[0], read(*made)
        if (made := judging_plan(methods, setting, tuned, how, stand_in=_first(methods, setting))) is not None:
            plans["judging"] = made[0]
        for part, one in plans.items():
            slots, threads = division(one, how.workers)
            found = estimate(one, slots=slots, threads=threads)
            runs = sum(len(pack.configs) for pack in one.todo)
            yield Cost(
                setting=setting.id, part=part, runs=runs, packs=len(one.todo), seconds=found.most, bytes=found.bytes
            )


def _first(methods: Mapping[str, Method], setting: Setting) -> dict[tuple[str, Goal], Changes]:
    origin = setting.origin
    return {(name, "fast"): method.cells(origin)[0] for name, method in methods.items() if origin.rates}


def course(
    methods: Mapping[str, Method], settings: Sequence[Setting], how: How, *, decided: bool = False
) -> list[Result]:
    """The results of all settings. decided: seeds grow from look to look until each claim is decided, at the levels of
    `Looks`; else as many as `how` says."""
    rows: list[Result] = []
    for setting in sorted(settings, key=lambda one: bool(one.tuned_in)):  # those that rest on others come last
        tuned = planned(methods, setting, how.store)
        if not decided or setting.arms:
            rows += run(methods, setting, how, tuned)
            continue
        rows += _looked(methods, setting, how, tuned)
    return rows


def _looked(methods: Mapping[str, Method], setting: Setting, how: How, tuned: Sequence[Result]) -> list[Result]:
    looks, found = Looks(sizes=SIZES, first=setting.first_seed), []
    for size, level in zip(looks.sizes, looks.levels, strict=True):
        found = run(methods, setting, replace(how, seeds=size), tuned)
        seen = race(found, setting.id, setting.against)
        if time.monotonic() >= how.until or isinstance(seen, Missing):
            break
        if all(one.said != "undecided" for one in claims(seen, methods, level=level)):
            break
    return found

"""A ledger by hand: one arm, one claim, one reading, and what a test wants changed of it."""

from typing import Any

from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.ledger import Ledger, Line, Ran
from grokscope.statistics.looks import Looks


def line(seed: int = 0, arm: str = "base", **fields: Any) -> Line:
    about: dict[str, Any] = {
        "theory": "made", "claim": "made.one", "part": "", "version": 1, "arm": arm, "seed": seed,
        "reading": "x @ after", "run": f"{arm}-{seed}", "value": seed / 7, "digest": "aaa",
        "versions": "grokscope 0.1.0",
    }  # fmt: skip
    return Line(**(about | fields))


def run(seed: int, arm: str = "base", **fields: Any) -> Ran:
    return Ran(f"{arm}-{seed}", {"seed": seed, "data_seed": 0, "p": 11} | fields)


def small(seeds: Any = (0, 1, 2), looks: Looks | None = None, **fields: Any) -> Ledger:
    arm = Arm(family="base", name="base", runs=tuple(run(seed) for seed in seeds))
    lines = tuple(line(seed, **fields) for seed in seeds)
    return Ledger(arms=Arms([arm]), places={"base": 0}, lines=lines, looks=looks)

"""Made-up readings of an ideal network, of one that is no better than its controls, and of the opposite, by claim.

A scenario gives each reading a number, or a function of the arm's name and value, and of the seed's own noise.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import UNTRAINED, Theory
from grokscope.predictions.readings import Number, Reading
from grokscope.predictions.verdict import claims, judged
from grokscope.theories.base import theories

SEEDS = 60
# Of families whose arms have values: those of the laptop scale.
VALUES: dict[str, tuple[Any, ...]] = {
    "sphere": (0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 4.0),
    "init_scale": (1.0, 1.4, 2.0, 2.8, 4.0),
    "teacher_student/init_scale": (1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
    "toy": (15, 20, 25, 30, 35, 40, 45, 50),
    "kumar/alpha": (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0),
    "shares": (0.35, 0.45, 0.55, 0.65, 0.75, 0.9),
    "efficiency/memorising": (150, 250, 400, 600, 850),
    "plane": tuple(f"{rate:g},weight_decay={decay:g}" for rate in (1e-3, 3e-3) for decay in (0.0, 0.3, 1.0, 10.0)),
    "delay/weight_decay": (0.5, 1.0, 2.0),
    "delay/learning_rate": (0.5, 1.0, 2.0),
    "delay/l2": (1e-4, 3e-4, 1e-3),
    "delay/squared_error": (1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.3, 16.0),
    **dict.fromkeys(("delay/clamp", "delay/attention", "delay/layer_norm"), (0.85, 0.925, 1.0, 1.075, 1.15)),
    "efficiency/going on": (336, 480, 673, 865),
    "ungrok at": (86, 111, 144, 187, 240),
}


@dataclass(frozen=True)
class At:
    """Where a number is read. noise: the seed's own, standard normal, one a reading and arm."""

    arm: str
    value: Any
    seed: int
    noise: float

    def near(self, value: float, spread: float = 0.02) -> float:
        """A number with this relative spread over seeds."""
        return value * math.exp(spread * self.noise)


Scenario = Mapping[str, "Callable[[At], Number] | float"]


class Made:
    """A run of which a scenario knows every reading. A reading is known by its key, or by the part before the stage."""

    def __init__(self, arm: str, value: Any, seed: int, scenario: Scenario) -> None:
        self.arm, self.of, self.seed, self.scenario = arm, value, seed, scenario
        self.config = SimpleNamespace(seed=seed)

    def value(self, reading: Reading) -> Number:
        rng = np.random.default_rng([self.seed, *map(ord, f"{self.arm} {reading.key}")])
        stage = "untrained" if self.arm == UNTRAINED else ""
        keys = (f"{reading.key.split(' @ ')[0]} @ {stage}" if stage else reading.key, reading.key)
        given = next((self.scenario[key] for key in keys if key in self.scenario), None)
        if given is None:
            raise KeyError(f"the scenario lacks {reading.key}")
        where = At(self.arm, self.of, self.seed, float(rng.normal()))
        return given(where) if callable(given) else given


def verdict(theory: str, claim: str, scenario: Scenario, seeds: int = SEEDS) -> tuple[str, dict[str, str]]:
    """The verdict on a claim in its present wording, and on each of its parts, in a scenario."""
    whole: Theory = theories()[theory]
    rows = next(one.rows for one in claims(whole) if one.current and one.rows[0].id == claim)
    names = dict.fromkeys(arm for row in rows for arm in (*row.arms, *row.controls))
    arms = {name: Arm(family=name, name=name) for name in (*names, "base")}
    for family in dict.fromkeys(family for row in rows for family in row.along):
        for value in VALUES.get(family, ()):
            name = f"{family}/{value if isinstance(value, str) else f'{value:g}'}"
            arms[name] = Arm(family=family, value=value, name=name)
    runs: Any = Arms(
        arm.having(Made(arm.name, arm.value, seed, scenario) for seed in range(seeds)) for arm in arms.values()
    )
    (found,), parts = judged(replace(whole, predictions=tuple(rows)), runs)
    return found.verdict, {row.part: row.verdict for row in parts}

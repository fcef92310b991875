"""Stages of many runs at once are those of each alone; a run that is out of the ordinary is left to be asked alone."""

from typing import Any

import numpy as np
import pytest

from grokscope.statistics.many import stages_of_many
from grokscope.statistics.series import Curve
from grokscope.statistics.transitions import phases

RULES: tuple[dict[str, Any], ...] = (
    {},
    {"train_threshold": 0.9, "test_threshold": 0.9, "stable": 1},
    {"stable": 2, "test_threshold": 0.5},
)
STEPS = np.array([0, 1, 5, 25, 50, 100, 1000])


def drawn(rng: np.random.Generator) -> dict[str, Curve]:
    def curve(name: str) -> Curve:
        values = np.sort(rng.uniform(0, 1.0005, len(STEPS))) + rng.choice([0, -0.3], len(STEPS), p=[0.8, 0.2])
        return STEPS, np.clip(values, 0, None) if name.endswith("accuracy") else rng.uniform(0, 9, len(STEPS))

    return {name: curve(name) for name in ("train_accuracy", "test_accuracy", "train_loss", "test_loss")}


@pytest.mark.parametrize("rules", RULES)
def test_they_are_those_of_each_run_alone(rules: dict[str, Any]) -> None:
    runs = [drawn(np.random.default_rng(seed)) for seed in range(300)]
    told = stages_of_many(runs, **rules)
    for one, curves in zip(told, runs, strict=True):
        alone = phases(STEPS, **{name: values for name, (_, values) in curves.items()}, **rules)
        assert one == (alone.memorized_at, alone.generalized_at, alone.last_at)
    assert len({one for one in told if one}) > 1, "the draws differ"


def test_what_is_out_of_the_ordinary_is_asked_alone() -> None:
    nothing = (np.array([], np.int64), np.array([]))
    odd = []
    for name, curve in (
        ("test_accuracy", nothing),
        ("train_accuracy", nothing),
        ("test_accuracy", (STEPS[1:], np.ones(6))),
        ("test_loss", (STEPS[:-1], np.ones(6))),
        ("test_accuracy", (STEPS, np.where(STEPS == 5, np.nan, 1.0))),
        ("test_loss", (STEPS, np.where(STEPS == 5, np.inf, 1.0))),
        ("test_accuracy", (STEPS, np.full(7, 97.0))),
    ):
        odd.append(drawn(np.random.default_rng(0)) | {name: curve})
    assert stages_of_many(odd) == [None] * len(odd)
    short = {name: (STEPS[:2], np.ones(2)) for name in ("train_accuracy", "test_accuracy")}
    assert stages_of_many([short]) == [None]

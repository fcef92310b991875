"""Recipes against numbers of their papers. Long: minutes each. docs/results/papers.md has what they gave.

GROKSCOPE_STORE names a folder that already holds (part of) these runs; by default they are trained from nothing.
"""

import math
import os
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest

from grokscope.recipes.base import recipe
from grokscope.runs.run import Run
from grokscope.studies.experiment import train

pytestmark = pytest.mark.slow


def trained(name: str, seeds: int, tmp_path: Path, **fields: Any) -> list[Run]:
    store = Path(os.environ.get("GROKSCOPE_STORE", tmp_path / "runs"))
    configs = [recipe(name, seed=seed, **fields) for seed in range(seeds)]
    return train(configs, store=store, progress=True, resume=True)


def first_at(run: Run, name: str, level: float) -> float:
    """First evaluated step at which a share has reached a level; infinite if none has."""
    steps, values = run.series(name)
    reached = values >= level
    return float(steps[reached.argmax()]) if reached.any() else math.inf


def test_the_student_decays_as_weight_decay_alone_would_have_it(tmp_path: Path) -> None:
    """Omnigrok: the squared norm from init scale 2 follows exp(-2 eta gamma t), within 2 %."""
    for run in trained("omnigrok2023", 5, tmp_path):
        steps, squared = run.series("weights.squared_norm")
        predicted = squared[0] * np.exp(-2 * run.config.learning_rate * run.config.weight_decay * steps)
        assert np.abs(squared / predicted - 1).max() < 0.02
        assert first_at(run, "train/accuracy", 0.99) < 1200  # published: 1.0 by 1,200
        assert run.series("test/accuracy")[1][-1] < 0.95


def test_the_toy_memorises_and_generalises_near_the_published_steps(tmp_path: Path) -> None:
    """Liu 2022: the stored run (one seed) reaches 0.9 at 1,130 on train and 1,530 on test inputs."""
    runs = trained("liu2022", 10, tmp_path)
    assert 0.7 * 1130 < median(first_at(run, "train/accuracy", 0.9) for run in runs) < 1.5 * 1130
    assert 0.7 * 1530 < median(first_at(run, "test/accuracy", 0.9) for run in runs) < 1.5 * 1530


def test_orthogonal_gradients_generalise_without_weight_decay(tmp_path: Path) -> None:
    """Prieto 2025, figure 6 b: test accuracy 50 % at about 120 steps, then 98 to 99 %; without ⊥Grad 0."""
    runs = trained("prieto2025", 5, tmp_path)
    assert all(90 <= first_at(run, "test/accuracy", 0.5) <= 150 for run in runs)
    assert median(first_at(run, "test/accuracy", 0.98) for run in runs) <= 500
    (control,) = trained("prieto2025", 1, tmp_path, orthogonal_gradient="off", max_steps=500)
    assert control.series("train/accuracy")[1][-1] == 1
    assert control.series("test/accuracy")[1][-1] < 0.01


def test_division_is_grokked_with_weight_decay(tmp_path: Path) -> None:
    """Power 2022: x / y mod 97 from half the pairs, AdamW with weight decay 1."""
    (run,) = trained("power2022", 1, tmp_path, max_steps=12_000, evaluate_every=100, stop_after=5)
    assert run.phases().grokked
    assert run.summary()["final"]["test/accuracy"] > 0.99


def test_the_quadratic_network_groks_by_gradient_descent(tmp_path: Path) -> None:
    """Gromov 2023, p = 97: from full accuracy on the training set and none on the rest to full accuracy on both."""
    for run in trained("gromov2023", 3, tmp_path, max_steps=6000, evaluate_every=100, stop_after=5):
        found = run.phases()
        assert found.memorized_at is not None
        assert found.generalized_at is not None
        assert found.generalized_at >= found.memorized_at + 400
        steps, test = run.series("test/accuracy")
        assert test[steps == found.memorized_at][0] < 0.2
        assert test[-1] == 1

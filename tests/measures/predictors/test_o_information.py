"""Synergy and redundancy of neurons that are made by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import measures
from grokscope.measures.predictors import o_information as module
from grokscope.runs.run import Run

MEASURE: Any = measures()["predictors.o_information"]
N = 600


def told(monkeypatch: pytest.MonkeyPatch, cloud: np.ndarray) -> None:
    made: Callable[..., torch.Tensor] = lambda *_: torch.as_tensor(cloud)  # noqa: E731
    monkeypatch.setattr(module, "cloud_of", made)


def test_neurons_of_one_group_are_one_variable(monkeypatch: pytest.MonkeyPatch, tiny_run: Run) -> None:
    """Two independent variables and their sum, each in four neurons of either sign: synergy, in every order."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, N))
    three = np.stack([a, b, a + b + 0.3 * rng.normal(size=N)], 1)
    neurons = np.repeat(three, 4, axis=1) * np.tile([1, -1, 2, -5], 3) + 0.01 * rng.normal(size=(N, 12))
    told(monkeypatch, neurons)
    found = MEASURE(tiny_run.snapshot(), groups=3)
    assert found["synergy"] == found["redundancy"] < -0.3
    assert abs(found["shuffled_synergy"]) < 0.02
    order = rng.permutation(12)
    told(monkeypatch, neurons[:, order])
    other = MEASURE(tiny_run.snapshot(), groups=3)
    assert other == pytest.approx(found, abs=1e-9)


def test_copies_are_redundant(monkeypatch: pytest.MonkeyPatch, tiny_run: Run) -> None:
    rng = np.random.default_rng(1)
    told(monkeypatch, rng.normal(size=(N, 1)) + rng.normal(size=(N, 6)))
    found = MEASURE(tiny_run.snapshot(), groups=5)
    assert found["redundancy"] > 0.1
    assert found["redundancy"] > found["shuffled_redundancy"] + 0.1


def test_of_a_network_and_of_too_few_neurons(monkeypatch: pytest.MonkeyPatch, tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    found = MEASURE(snap)
    assert found["synergy"] <= found["redundancy"]
    assert isinstance(MEASURE(snap, groups=2), Missing)
    assert isinstance(MEASURE(snap, groups=10_000), Missing)
    told(monkeypatch, np.ones((N, 30)))
    assert isinstance(MEASURE(snap), Missing)

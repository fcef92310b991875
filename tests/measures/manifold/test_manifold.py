"""The measures of the manifold on networks whose embedding is known."""

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.models.base import Interface
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.modular_addition import ModularAddition, build

P = 59
TASK = build(ModularAddition(p=P))
MODEL = transformer(
    TransformerOptions(d_model=32, n_heads=2, d_mlp=24), Interface(n_symbols=P, n_operands=2, n_outputs=P)
)


def network(frequencies: list[int] | None, noise: float = 0.05) -> Snapshot:
    """A network whose embedding is a clock of these frequencies; None: as it was drawn."""
    params = MODEL.init(torch.Generator().manual_seed(0))
    if frequencies is not None:
        angle = 2 * np.pi * np.outer(np.arange(P), frequencies) / P
        clock = np.hstack([np.cos(angle), np.sin(angle)])
        table = np.zeros((P, 32))
        table[:, : clock.shape[1]] = clock
        table += noise * np.random.default_rng(0).standard_normal(table.shape) / np.sqrt(32)
        params["W_E"][:P] = torch.from_numpy(table)
    return Snapshot(task=TASK, model=MODEL, params=params, train_mask=TASK.split(0.4, 0))


@pytest.mark.parametrize("frequencies", [[5], [3, 11, 20]])
def test_a_clock_is_certified_and_equivariant(frequencies: list[int]) -> None:
    snap = network(frequencies)
    assert evaluate("manifold.certified_circles", snap) == len(frequencies)
    r2 = evaluate("manifold.equivariance", snap)
    assert isinstance(r2, float)
    assert r2 > 0.95


def test_a_network_as_drawn_is_neither() -> None:
    snap = network(None)
    assert evaluate("manifold.certified_circles", snap) == 0
    r2 = evaluate("manifold.equivariance", snap)
    assert isinstance(r2, float)
    assert r2 < 0.06


def test_residues_get_the_curve_and_no_twonn() -> None:
    snap = network([5])
    missing = evaluate("manifold.dimension", snap, view="embed/tokens", method="mle")
    assert isinstance(missing, Missing)
    assert "lattice" in missing.reason
    curve = evaluate("manifold.gride", snap, view="embed/tokens")
    assert isinstance(curve, dict)
    assert curve["16"] == pytest.approx(1, abs=0.3)


def test_views_are_named_by_site_and_points() -> None:
    snap = network(None)
    assert evaluate("manifold.dimension", snap, view=("resid_mid", "orbits")) == evaluate("manifold.dimension", snap)
    with pytest.raises(ValueError, match="a view is 'site/points'"):
        evaluate("manifold.dimension", snap, view="resid_mid")
    for view, reason in (("resid_mdi/orbits", "Did you mean 'resid_mid'"),):
        missing = evaluate("manifold.dimension", snap, view=view)
        assert isinstance(missing, Missing)
        assert reason in missing.reason
    with pytest.raises(ValueError, match="unknown method"):
        evaluate("manifold.dimension", snap, method="twonnn")
    missing = evaluate("manifold.equivariance", snap, view="resid_mid/orbits")
    assert isinstance(missing, Missing)
    assert "no elements of a group" in missing.reason


def test_a_task_without_a_group_has_no_circle_of_its_own() -> None:
    snap = network([5])
    control = Snapshot(task=TASK.with_random_labels(0), model=MODEL, params=snap.params, train_mask=snap.train_mask)
    for name in ("manifold.certified_circles", "manifold.equivariance"):
        missing = evaluate(name, control)
        assert isinstance(missing, Missing)
        assert missing.reason == "the task has no group"

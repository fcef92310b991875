"""The rate of the effective theory, against its literal matrix, closed forms, and gradient descent itself."""

import itertools
import math

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.models.embedding_mlp import EmbeddingMlpOptions, embedding_mlp
from grokscope.runs.config import interface
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.base import Task
from grokscope.tasks.binary_operation import BinaryOperation, binary_operation
from grokscope.tasks.modular_addition import ModularAddition, modular_addition
from grokscope.tasks.plain_addition import PlainAddition, plain_addition


def sums(p: int, *, unordered: bool = False) -> Task:
    return plain_addition.build(PlainAddition(p=p, unordered=unordered))


def network(task: Task, *, seed: int = 0, n_train: int | None = None, channels: int = 2) -> Snapshot:
    options = EmbeddingMlpOptions(d_embed=channels, tied=True, combine="add", d_mlp=5)
    model = embedding_mlp(options, interface(task))
    train = torch.ones(task.n_inputs, dtype=torch.bool)
    if n_train is not None:
        train = task.split(0.5, 0, n_train=n_train)
    return Snapshot(task=task, model=model, params=model.draw(torch.Generator().manual_seed(seed)), train_mask=train)


def rate(task: Task, **of: int) -> object:
    return evaluate("representation.predicted_rate", network(task, **of))


def literal_rows(p: int, modulus: int | None = None) -> np.ndarray:
    """E_i + E_j - E_m - E_n for all unordered pairs of samples (i <= j), (m <= n) with equal sums."""
    samples = list(itertools.combinations_with_replacement(range(p), 2))
    answers = [sum(pair) if modulus is None else sum(pair) % modulus for pair in samples]
    rows = []
    for u, v in itertools.combinations(range(len(samples)), 2):
        if answers[u] == answers[v]:
            row = np.zeros(p)
            for symbol in samples[u]:
                row[symbol] += 1
            for symbol in samples[v]:
                row[symbol] -= 1
            rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("p", [4, 7, 10, 13])
def test_it_is_the_third_eigenvalue_of_the_literal_matrix(p: int) -> None:
    """H = 2 A^T A / Z0, Z0 = p - 1: one channel of variance 1 (ddof 1)."""
    rows = literal_rows(p)
    values = np.linalg.eigvalsh(2 * rows.T @ rows / (p - 1))
    np.testing.assert_allclose(values[:2], 0, atol=1e-9)  # shift and scale
    for unordered in (True, False):
        assert rate(sums(p, unordered=unordered)) == pytest.approx(values[2], rel=1e-9)


def test_closed_forms() -> None:
    """p = 3 has one parallelogram, 0 + 2 = 1 + 1: |(1, -2, 1)|^2 = 6. p = 4 has three, whose Gram matrix has 6 along
    (1, -1, -1, 1) and 10 along (1, -3, 3, -1). The published A^T A of p = 10 has 30."""
    assert rate(sums(3)) == pytest.approx(2 * 6 / 2)
    assert rate(sums(4)) == pytest.approx(2 * 6 / 3)
    assert rate(sums(10)) == pytest.approx(2 * 30 / 9)


@pytest.mark.parametrize("p", [5, 7, 13])
def test_modulo_an_odd_p_every_direction_but_the_shift_decays_alike(p: int) -> None:
    """l0 = Z0 (p^2 + 3 p) / 2 whatever the embedding: H = (p^2 + 3 p) / (p - 1) on all that has mean 0."""
    rows = literal_rows(p, p)
    centred = np.eye(p) - 1 / p
    np.testing.assert_allclose(rows.T @ rows, (p * p + 3 * p) / 2 * centred, atol=1e-9)
    assert rate(modular_addition.build(ModularAddition(p=p))) == pytest.approx((p * p + 3 * p) / (p - 1))


def test_gradient_descent_on_the_effective_loss_decays_at_this_rate() -> None:
    """One standardised channel, on a line but for the slowest direction; descent on l0 / Z0 as published. The distance
    from the line falls by exp(-lambda_3 x rate) a step."""
    p, step_size = 10, 1e-3
    rows = torch.from_numpy(literal_rows(p))
    line = torch.arange(p, dtype=torch.float64)
    E = line + 0.05 * torch.linalg.eigh(rows.T @ rows).eigenvectors[:, 2]
    E = ((E - E.mean()) / E.std()).requires_grad_()
    axes = torch.linalg.qr(torch.stack([torch.ones_like(line), line], dim=1)).Q
    distances = []
    for _ in range(500):
        (slope,) = torch.autograd.grad((rows @ E).square().sum() / (E - E.mean()).square().sum(), E)
        E = (E - step_size * slope).detach().requires_grad_()
        distances.append(float((E.detach() - axes @ (axes.T @ E.detach())).norm()))
    measured = math.log(distances[0] / distances[-1]) / 499 / step_size
    assert rate(sums(p)) == pytest.approx(measured, rel=0.01)  # of a step of finite size: lambda_3 rate / 2 = .3 %


def test_it_depends_on_the_task_alone() -> None:
    """Neither on the weights, nor on the split: as in the released code, all parallelograms count."""
    task = sums(10, unordered=True)
    values = {rate(task), rate(task, seed=1), rate(task, n_train=14), rate(task, channels=3)}
    assert len(values) == 1


def test_a_task_without_parallelograms_or_addition_has_no_rate() -> None:
    two = rate(sums(2))  # 0, 1 and 2 have one sample each
    assert isinstance(two, Missing)
    assert "no parallelogram" in two.reason
    minus = rate(binary_operation.build(BinaryOperation(p=7, operation="x-y")))
    assert isinstance(minus, Missing)
    assert "no addition" in minus.reason

"""The measures of the effective theory on embeddings that are one formula."""

from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate, measures
from grokscope.models.embedding_mlp import EmbeddingMlpOptions, embedding_mlp
from grokscope.models.mlp import MlpOptions, mlp
from grokscope.numerics.effective_theory import effective_loss, quality_index, represented
from grokscope.numerics.parallelograms import implicit, predicted_accuracy, products, sums
from grokscope.runs.config import interface
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.base import Task
from grokscope.tasks.binary_operation import BinaryOperation, binary_operation
from grokscope.tasks.group_operation import GroupOperation, group_operation
from grokscope.tasks.modular_addition import ModularAddition, modular_addition
from grokscope.tasks.plain_addition import PlainAddition, plain_addition

ALL = [name for name in measures() if name.startswith("representation.")]
OF_ADDITION = [name for name in ALL if name != "representation.effective_dimension"]
TOY = plain_addition.build(PlainAddition(p=10, unordered=True, template_dimension=4))


def network(task: Task, table: Any, train: Any = None, *, tied: bool = True) -> Snapshot:
    """A decoder at random behind a given table of symbols."""
    table = torch.as_tensor(table, dtype=torch.float64)
    options = EmbeddingMlpOptions(d_embed=table.shape[1], tied=tied, combine="add", d_mlp=5)
    model = embedding_mlp(options, interface(task))
    params = {name: tensor.double() for name, tensor in model.draw(torch.Generator().manual_seed(0)).items()}
    mask = torch.ones(task.n_inputs, dtype=torch.bool) if train is None else torch.as_tensor(train)
    return Snapshot(task=task, model=model, params=params | {"W_E": table}, train_mask=mask)


def scattered(n: int, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, channels))


def test_the_toy_in_line() -> None:
    """All parallelograms hold: what is known of 30 samples is known of all with an answer among them."""
    line = 0.3 * np.arange(10.0)[:, None]
    train = TOY.split(0.5, 0, n_train=30)
    snap = network(TOY, line, train)
    assert evaluate("representation.quality_index", snap) == 1
    assert evaluate("representation.quality_index", snap, convention="paper") == 1
    assert evaluate("representation.effective_loss", snap) == pytest.approx(0, abs=1e-20)
    assert evaluate("representation.effective_dimension", snap) == pytest.approx(1)
    known = torch.isin(TOY.labels, TOY.labels[train])
    assert evaluate("representation.predicted_accuracy", snap) == pytest.approx(known.double().mean().item())
    assert evaluate("representation.predicted_accuracy", snap, split="test") == pytest.approx(
        known[~train].double().mean().item()
    )


def test_a_scattered_toy_is_what_the_numerics_say() -> None:
    table, train = scattered(10), TOY.split(0.5, 3, n_train=25)
    snap, samples, mask = network(TOY, table, train), sums(10), train.numpy()
    assert np.array_equal(samples.pairs, TOY.inputs.numpy())
    assert evaluate("representation.quality_index", snap, tolerance=0.5) == quality_index(table, samples, tolerance=0.5)
    assert evaluate("representation.effective_loss", snap) == pytest.approx(effective_loss(table, samples, mask))
    assert evaluate("representation.effective_loss", snap, samples="all", normalisation="unnormalised") == (
        pytest.approx(effective_loss(table, samples, None, "unnormalised"))
    )
    holds = represented(table, samples, tolerance=0.5)
    assert isinstance(holds, np.ndarray)
    assert evaluate("representation.predicted_accuracy", snap, tolerance=0.5) == predicted_accuracy(
        samples, mask, holds
    )
    labels = implicit(samples, mask)
    bound = evaluate("representation.predicted_accuracy", snap, parallelograms="implicit")
    assert bound == pytest.approx(np.isin(labels, labels[mask]).mean())
    # It does not depend on the weights.
    assert evaluate("representation.predicted_accuracy", network(TOY, 3 * table[::-1].copy(), train),
                    parallelograms="implicit") == bound  # fmt: skip


def test_an_ordered_pair_trains_its_unordered_one() -> None:
    """Modular addition over all p^2 pairs: (a, b) or (b, a), whichever was trained."""
    p, table = 7, scattered(7)
    task = modular_addition.build(ModularAddition(p=p))
    train = torch.rand(p * p, generator=torch.Generator().manual_seed(0)) < 0.3
    samples, seen = products(f"cyclic({p})"), train.reshape(p, p).numpy()
    mask = np.array([bool(seen[a, b] or seen[b, a]) for a, b in samples.pairs])
    assert 0 < mask.sum() < 28
    found = evaluate("representation.effective_loss", network(task, table, train))
    assert found == pytest.approx(effective_loss(table, samples, mask))


def test_a_circle_has_no_parallelogram() -> None:
    p = 13
    angle = 2 * np.pi * 5 * np.arange(p) / p
    snap = network(modular_addition.build(ModularAddition(p=p)), np.stack([np.cos(angle), np.sin(angle)], axis=1))
    assert evaluate("representation.quality_index", snap) == 0
    assert evaluate("representation.effective_dimension", snap) == pytest.approx(2)
    # All residues are trained on: the effective loss is the same for every embedding.
    assert evaluate("representation.effective_loss", snap) == pytest.approx(4 * (p + 3) / (p * p - 1))


def test_names_of_the_symbols_do_not_matter() -> None:
    """x -> u x mod p permutes the parallelograms, when samples and table are permuted alike."""
    p, u, table = 11, 4, scattered(11)
    task = modular_addition.build(ModularAddition(p=p))
    train = torch.rand(p * p, generator=torch.Generator().manual_seed(1)) < 0.3
    renamed = u * np.arange(p) % p
    other, moved = torch.zeros(p, p, dtype=torch.bool), np.empty_like(table)
    other[renamed[:, None], renamed[None, :]] = train.reshape(p, p)
    moved[renamed] = table
    for name in ALL:
        one = dict(measures()[name].rows(network(task, table, train), tolerance=0.3))
        two = dict(measures()[name].rows(network(task, moved, other.flatten()), tolerance=0.3))
        assert one == pytest.approx(two)


def test_labels_may_be_noisy() -> None:
    table, train = scattered(10), TOY.split(0.5, 3, n_train=25)
    noisy = TOY.with_noise(train, 0.3, 0, 0)
    assert not torch.equal(noisy.labels, TOY.labels)
    for name in ALL:
        assert dict(measures()[name].rows(network(noisy, table, train))) == dict(
            measures()[name].rows(network(TOY, table, train))
        )


@pytest.mark.parametrize("name", OF_ADDITION)
def test_other_tasks_and_networks_have_no_answer(name: str) -> None:
    s3 = group_operation.build(GroupOperation(group="S3"))
    minus = binary_operation.build(BinaryOperation(p=7, operation="x-y"))
    cases = [
        (network(s3, scattered(6)), "does not commute"),
        (network(minus, scattered(7)), "difference"),
        (network(TOY.with_random_labels(0), scattered(10)), "no addition"),
        (network(TOY, scattered(10), tied=False), "a table for each operand"),
    ]
    for snap, reason in cases:
        answer = evaluate(name, snap)
        assert isinstance(answer, Missing)
        assert reason in answer.reason


@pytest.mark.parametrize("name", ALL)
def test_a_network_without_an_embedding_has_no_answer(name: str) -> None:
    task = modular_addition.build(ModularAddition(p=5))
    model = mlp(MlpOptions(d_mlp=4), interface(task))
    params = model.draw(torch.Generator().manual_seed(0))
    snap = Snapshot(task=task, model=model, params=params, train_mask=torch.ones(25, dtype=torch.bool))
    assert evaluate(name, snap) == Missing("the network has no embedding of symbols")


def test_nothing_to_say_is_missing() -> None:
    flat = network(TOY, np.full((10, 3), 0.1))
    of_the_samples = {"representation.predicted_rate", "representation.solution_dimension"}  # whatever the weights are
    for name in set(ALL) - of_the_samples:
        assert isinstance(evaluate(name, flat), Missing), name
    few = torch.zeros(55, dtype=torch.bool)
    few[:2] = True
    assert isinstance(evaluate("representation.effective_loss", network(TOY, scattered(10), few)), Missing)
    assert isinstance(evaluate("representation.predicted_accuracy", network(TOY, scattered(10)), split="test"), Missing)


def test_bad_options_are_answered_clearly() -> None:
    snap = network(TOY, scattered(10))
    for name, options, message in (
        ("quality_index", {"convention": "papr"}, "unknown convention 'papr'. Did you mean 'paper'"),
        ("quality_index", {"convention": "matrices"}, "is for networks that multiply"),
        ("predicted_accuracy", {"parallelograms": "all"}, "unknown parallelograms = 'all'"),
        ("predicted_accuracy", {"split": "fresh"}, "split must be 'all' or 'test'"),
        ("effective_loss", {"normalisation": "none"}, "unknown normalisation = 'none'"),
        ("effective_loss", {"samples": "test"}, "unknown samples = 'test'"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate(f"representation.{name}", snap, **options)

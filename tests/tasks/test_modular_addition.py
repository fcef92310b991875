"""Modular addition: the published split, the ground truth, orbits."""

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.tasks.base import published_shuffle
from grokscope.tasks.modular_addition import ModularAddition, build


@pytest.mark.parametrize(
    ("seed", "pairs"),
    [
        # science: Nanda et al. 2023, released code, p = 113, first five training pairs.
        (0, [(18, 34), (10, 83), (55, 28), (25, 51), (63, 65)]),
        (1, [(58, 58), (76, 57), (60, 23), (100, 89), (29, 27)]),
    ],
)
def test_the_split_is_the_published_one(seed: int, pairs: list[tuple[int, int]]) -> None:
    task = build(ModularAddition(p=113))
    first = task.inputs[published_shuffle(task.n_inputs, seed)[:5]]
    assert [tuple(pair) for pair in first.tolist()] == pairs
    train = task.split(0.3, seed)
    assert int(train.sum()) == 3830
    assert all(bool(train[a * 113 + b]) for a, b in pairs)


def test_the_split_equals_shuffling_the_pairs_themselves() -> None:
    pairs = [(a, b) for a in range(7) for b in range(7)]
    random.Random(3).shuffle(pairs)
    task = build(ModularAddition(p=7))
    trained = {tuple(pair) for pair in task.inputs[task.split(0.4, 3)].tolist()}
    assert trained == set(pairs[: int(0.4 * 49)])


def test_the_split_leaves_the_global_generator_alone() -> None:
    random.seed(11)
    expected = random.random()
    random.seed(11)
    build(ModularAddition(p=7)).split(0.3, 0)
    assert random.random() == expected


@given(st.integers(3, 40))
def test_labels_orbits_and_tokens(p: int) -> None:
    task = build(ModularAddition(p=p))
    a, b = task.inputs.unbind(1)
    assert torch.equal(task.labels, (a + b) % p)
    assert torch.equal(task.tokens, torch.stack([a, b, torch.full_like(a, p)], dim=1))
    swapped = task.orbits[b * p + a]
    assert torch.equal(task.orbits, swapped)
    assert sorted(task.orbits.unique().tolist()) == list(range(p * (p + 1) // 2))
    firsts = [task.orbits.tolist().index(k) for k in range(int(task.orbits.max()) + 1)]
    assert firsts == sorted(firsts)


def test_truth() -> None:
    truth = build(ModularAddition(p=59)).truth
    assert (truth.group, truth.manifold) == ("cyclic(59)", "circle")
    assert (truth.intrinsic_dimension, truth.embedding_dimension, truth.betti) == (1, 2, (1, 1))


def test_random_labels_keep_the_inputs_and_have_no_truth() -> None:
    task = build(ModularAddition(p=59))
    control = task.with_random_labels(5)
    assert torch.equal(control.inputs, task.inputs)
    # 3481 labels of 59 classes: agreement by chance is 59 +- 7.6; 4 standard errors.
    assert abs(int((control.labels == task.labels).sum()) - 59) < 31
    assert torch.equal(control.labels, task.with_random_labels(5).labels)
    assert not torch.equal(control.labels, task.with_random_labels(6).labels)
    assert control.truth.group is None
    assert control.truth.betti == ()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5])
def test_fractions_outside_the_open_interval_are_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match=r"train_fraction must lie in \(0, 1\)"):
        build(ModularAddition(p=5)).split(fraction, 0)


def test_a_fraction_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves no training input of 25"):
        build(ModularAddition(p=5)).split(0.01, 0)

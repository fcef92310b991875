"""What every task can do: splits, orbits, outputs, noise and random labels, on tasks made by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.tasks.base import Task, Truth, number_orbits, pair_orbits


def classes(n: int) -> Task:
    return Task(
        inputs=torch.arange(n)[:, None],
        labels=torch.arange(n) % 7,
        orbits=torch.arange(n),
        n_symbols=n,
        n_classes=7,
        truth=Truth(group="cyclic(7)"),
    )


def regression(n: int) -> Task:
    values = torch.arange(2.0 * n).reshape(n, 2)
    return Task(inputs=values, labels=values, orbits=torch.arange(n), truth=Truth(manifold="segment", betti=(1,)))


@given(st.integers(2, 300), st.floats(0.01, 0.99))
def test_the_nested_split_is_the_published_one_whatever_the_seed(n: int, fraction: float) -> None:
    rows = list(range(n))
    np.random.RandomState(0).shuffle(rows)
    expected = rows[: round(n * fraction)]
    if expected:
        split = classes(n).split(fraction, 3, rule="nested")
        assert set(split.nonzero().flatten().tolist()) == set(expected)
        assert torch.equal(split, classes(n).split(fraction, 4, rule="nested"))


def test_the_nested_split_rounds_where_the_shuffled_one_cuts() -> None:
    assert int(classes(100).split(0.578, 0, rule="nested").sum()) == 58
    assert int(classes(100).split(0.578, 0).sum()) == 57


@pytest.mark.parametrize("rule", ["shuffled", "nested"])
def test_splits_are_nested_by_fraction(rule: str) -> None:
    small, large = (classes(200).split(fraction, 5, rule=rule) for fraction in (0.2, 0.6))
    assert bool((small & ~large).any()) is False
    assert int(small.sum()) < int(large.sum())


def test_the_number_of_training_inputs_replaces_the_fraction() -> None:
    task = classes(50)
    assert torch.equal(task.split(0.9, 1, n_train=20), task.split(0.4, 1))
    assert int(task.split(0.9, 1, n_train=50).sum()) == 50
    for n_train in (0, 51):
        with pytest.raises(ValueError, match=rf"n_train must lie in 1..50, the number of inputs; got {n_train}"):
            task.split(0.5, 0, n_train=n_train)


def test_outputs_are_classes_templates_or_targets() -> None:
    assert classes(9).n_outputs == 7
    assert regression(9).n_outputs == 2
    with_templates = Task(
        inputs=torch.arange(3)[:, None],
        labels=torch.arange(3),
        orbits=torch.arange(3),
        n_symbols=3,
        n_classes=3,
        templates=torch.zeros(3, 30),
    )
    assert with_templates.n_outputs == 30


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_orbits_are_numbered_by_their_first_member(values: list[int]) -> None:
    order = list(dict.fromkeys(values))
    assert number_orbits(torch.tensor(values)).tolist() == [order.index(value) for value in values]


def test_pairs_share_an_orbit_with_their_swap_only() -> None:
    a, b = torch.cartesian_prod(torch.arange(5), torch.arange(5)).unbind(1)
    orbits = pair_orbits(a, b, 5)
    together = orbits[:, None] == orbits[None, :]
    swap = (a[:, None] == b[None, :]) & (b[:, None] == a[None, :])
    assert torch.equal(together, swap | torch.eye(25).bool())


@pytest.mark.parametrize("task", [classes(400), regression(400)], ids=["classes", "regression"])
def test_noise_is_counted_stays_under_the_mask_and_is_nested(task: Task) -> None:
    mask = torch.arange(task.n_inputs) < 300

    def wrong(share: float, outliers: int) -> set[int]:
        noisy = task.with_noise(mask, share, outliers, seed=2)
        assert torch.equal(noisy.inputs, task.inputs)
        assert noisy.truth == task.truth
        return set((noisy.labels != task.labels).reshape(task.n_inputs, -1).any(dim=1).nonzero().flatten().tolist())

    assert wrong(1.0, 0) <= set(range(300))
    # Of 300 labels drawn from 7 classes 300 / 7 = 43 +- 6 are right by chance; 4 standard errors.
    assert 300 - len(wrong(1.0, 0)) < 43 + 24
    assert len(wrong(0.1, 0)) <= 30
    assert wrong(0.1, 0) <= wrong(0.2, 0) <= wrong(0.2, 50) == wrong(0.0, 110) < wrong(1.0, 0)
    assert wrong(0.0, 0) == set()
    assert len(wrong(0.2, 50)) > 60
    assert wrong(0.5, 1000) == wrong(1.0, 0)


def test_noise_depends_on_its_seed() -> None:
    task, mask = classes(400), torch.ones(400).bool()
    noisy = task.with_noise(mask, 0.5, 0, seed=2)
    assert torch.equal(noisy.labels, task.with_noise(mask, 0.5, 0, seed=2).labels)
    assert not torch.equal(noisy.labels, task.with_noise(mask, 0.5, 0, seed=3).labels)


def test_random_labels_of_a_regression_are_its_targets_in_other_places() -> None:
    task = regression(200)
    control = task.with_random_labels(1)
    assert torch.equal(control.labels[:, 0].sort().values, task.labels[:, 0])
    # Of 200 targets one stays in its place on average, +- 1; 4 standard errors.
    assert int((control.labels == task.labels).all(dim=1).sum()) <= 5
    assert torch.equal(control.labels[:, 1] - control.labels[:, 0], torch.ones(200))
    assert control.truth == Truth()

"""Sparse parity: labels bit by bit, uniform inputs."""

import pytest
import torch

from grokscope.tasks.sparse_parity import SparseParity, build


def test_labels_are_the_parity_of_the_first_k_bits() -> None:
    task = build(SparseParity(n_bits=8, k=4, n_samples=300))
    for bits, label in zip(task.inputs.int().tolist(), task.labels.tolist(), strict=True):
        assert label == bits[0] ^ bits[1] ^ bits[2] ^ bits[3]


def test_the_published_task() -> None:
    task = build(SparseParity())
    assert task.inputs.shape == (2000, 43)  # science: Prieto et al. 2025, 3 of 43 bits, 2,000 samples
    assert task.inputs.unique().tolist() == [0, 1]
    # Shares of ones: 0.5 +- 0.0017 over all bits, +- 0.011 a bit and of the labels; 4 standard errors, 5 for 43 bits.
    assert abs(float(task.inputs.mean()) - 0.5) < 0.0068
    assert float((task.inputs.mean(dim=0) - 0.5).abs().max()) < 0.056
    assert abs(float(task.labels.float().mean()) - 0.5) < 0.045


def test_the_data_seed_draws_the_inputs_and_more_samples_keep_the_first() -> None:
    few, many = build(SparseParity(n_samples=100)), build(SparseParity(n_samples=200))
    assert torch.equal(many.inputs[:100], few.inputs)
    assert not torch.equal(few.inputs, build(SparseParity(n_samples=100, data_seed=1)).inputs)


def test_more_parity_bits_than_bits_are_refused() -> None:
    with pytest.raises(ValueError) as error:
        SparseParity(n_bits=4, k=5)
    assert str(error.value) == "k must be at most n_bits = 4, got 5"

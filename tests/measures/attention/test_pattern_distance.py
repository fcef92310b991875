"""The distance of attention patterns on patterns whose distances are known."""

from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate, measures
from grokscope.models.base import Interface
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.modular_addition import ModularAddition, build

P = 5
TASK = build(ModularAddition(p=P))
N = TASK.n_inputs
MODEL = transformer(
    TransformerOptions(d_model=8, n_heads=2, d_mlp=4), Interface(n_symbols=P, n_operands=2, n_outputs=P)
)


def with_pattern(pattern: Any, train: torch.Tensor | None = None) -> Snapshot:
    """A snapshot whose attention is (pair, head, key) this, whatever its weights."""
    snap = Snapshot(
        task=TASK,
        model=MODEL,
        params=MODEL.init(torch.Generator().manual_seed(0)),
        train_mask=TASK.split(0.5, 0) if train is None else train,
    )
    snap.activations._known["pattern"] = torch.as_tensor(pattern)  # pyright: ignore
    return snap


def random_pattern(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet([0.5, 1.0, 2.0], size=(N, 2))


def literal(pattern: np.ndarray) -> np.ndarray:
    """Every pair, one after another."""
    pairs = [(i, j) for i in range(len(pattern)) for j in range(i)]
    return np.mean([np.abs(pattern[i] - pattern[j]).sum(-1) / 2 for i, j in pairs], axis=0)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_mean_over_all_pairs(seed: int) -> None:
    pattern = random_pattern(seed)
    found = np.asarray(evaluate("attention.pattern_distance", with_pattern(pattern)))
    np.testing.assert_allclose(found, literal(pattern), atol=1e-9)
    assert ((found > 0) & (found < 1)).all()


def test_attention_that_is_always_the_same_has_no_distance() -> None:
    pattern = np.tile([0.3, 0.3, 0.4], (N, 2, 1))
    assert np.asarray(evaluate("attention.pattern_distance", with_pattern(pattern))).tolist() == [0.0, 0.0]


def test_two_keys_looked_at_by_half_of_the_samples_each() -> None:
    """k (n - k) of n (n - 1) / 2 pairs differ wholly; for two halves that is n / (2 (n - 1))."""
    k = N // 2
    pattern = np.zeros((N, 2, 3))
    pattern[:k, 0, 0] = pattern[k:, 0, 1] = 1
    pattern[:, 1] = np.eye(3)[2]
    expected = [2 * k * (N - k) / (N * (N - 1)), 0]
    np.testing.assert_allclose(
        np.asarray(evaluate("attention.pattern_distance", with_pattern(pattern))), expected, atol=1e-9
    )
    even = np.array([True] * 24 + [False])
    halves = np.zeros((N, 2, 3))
    halves[:12, :, 0] = halves[12:, :, 1] = 1
    snap = with_pattern(halves, torch.as_tensor(even))
    np.testing.assert_allclose(
        np.asarray(evaluate("attention.pattern_distance", snap, split="train")), 24 / (2 * 23), atol=1e-9
    )


def test_order_of_samples_and_keys_and_an_attention_rate_change_nothing() -> None:
    pattern = random_pattern()
    expected = np.asarray(evaluate("attention.pattern_distance", with_pattern(pattern)))
    order = np.random.default_rng(1).permutation(N)
    for changed in (pattern[order], pattern[..., [2, 0, 1]], 3 * pattern):
        np.testing.assert_allclose(
            np.asarray(evaluate("attention.pattern_distance", with_pattern(changed))), expected, atol=1e-9
        )
    by_head = np.asarray(evaluate("attention.pattern_distance", with_pattern(pattern[:, [1, 0]])))
    np.testing.assert_allclose(by_head, expected[::-1], atol=1e-9)


@pytest.mark.parametrize("split", ["train", "test", "fresh", "twin"])
def test_a_split_compares_its_own_samples(split: str) -> None:
    pattern = random_pattern()
    snap = with_pattern(pattern)
    found = np.asarray(evaluate("attention.pattern_distance", snap, split=split))
    np.testing.assert_allclose(found, literal(pattern[snap.masks[split].numpy()]), atol=1e-9)


def test_one_sample_has_no_other() -> None:
    train = torch.zeros(N, dtype=torch.bool)
    train[3] = True
    answer = evaluate("attention.pattern_distance", with_pattern(random_pattern(), train), split="train")
    assert answer == Missing("the task has 1 train inputs here: two are needed")
    with pytest.raises(ValueError, match=r"unknown split 'tset'. Did you mean 'test'"):
        evaluate("attention.pattern_distance", with_pattern(random_pattern()), split="tset")


def test_on_a_network_it_is_that_of_its_softmax() -> None:
    snap = Snapshot(
        task=TASK, model=MODEL, params=MODEL.init(torch.Generator().manual_seed(1)), train_mask=TASK.split(0.5, 0)
    )
    pattern = snap.activations["pattern"].double().numpy()
    np.testing.assert_allclose(
        np.asarray(evaluate("attention.pattern_distance", snap)), literal(pattern), atol=1e-6
    )  # rows of float32 sum to 1 within 1e-7
    assert measures()["attention.pattern_distance"].cost == "cheap"

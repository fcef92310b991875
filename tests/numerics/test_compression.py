"""Weights whose shortest description is known."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from grokscope.numerics.compression import bits, coarse, description_length

SLACK = (4.0, 1.0, 0.25, 0.0625)


def close_to(target: dict[str, Tensor]) -> object:
    def loss(params: object) -> float:
        return sum(float((params[name] - target[name]).square().mean()) for name in target)  # type: ignore[index]

    return loss


def test_zeros_are_a_few_bytes() -> None:
    assert bits([np.zeros(100_000, np.int64)]) < 8 * 100


@pytest.mark.parametrize("b", [4, 8])
def test_noise_cannot_be_shortened(b: int) -> None:
    noise = np.random.default_rng(0).integers(0, 2**b, 20_000)
    assert bits([noise]) >= 0.98 * b * len(noise)


def test_a_matrix_of_rank_one_is_two_vectors() -> None:
    outer = torch.outer(torch.randn(40, generator=torch.Generator().manual_seed(0)), torch.ones(30)).double()
    made, held = coarse({"W": outer}, 0.999, 1e-3)
    assert [part.shape for part in held] == [(40, 1), (1, 30)]
    torch.testing.assert_close(made["W"], outer, atol=2e-3, rtol=0)


def test_a_full_matrix_is_itself_on_a_lattice() -> None:
    weights = {"W": torch.randn(9, 8, generator=torch.Generator().manual_seed(0)).double(), "b": torch.zeros(3)}
    made, held = coarse(weights, 1.0, 0.5)
    unit = 0.5 * math.sqrt(float(weights["W"].square().mean()))
    np.testing.assert_allclose(made["W"].numpy() / unit, np.round(made["W"].numpy() / unit), atol=1e-9)
    assert float((made["W"] - weights["W"]).abs().max()) <= unit / 2 + 1e-12
    assert not made["b"].any()
    assert [part.shape for part in held] == [(9, 8), (3,)]


def test_more_slack_is_never_more_bits_and_less_structure_is() -> None:
    generator = torch.Generator().manual_seed(1)
    simple = {"W": torch.outer(torch.randn(60, generator=generator), torch.randn(60, generator=generator)).double()}
    full = {"W": torch.randn(60, 60, generator=generator).double()}
    lengths = {}
    for name, weights in (("simple", simple), ("full", full)):
        found = description_length(weights, close_to(weights), SLACK)  # type: ignore[arg-type]
        sizes = [found[slack] for slack in SLACK]
        assert None not in sizes
        assert sizes == sorted(sizes)  # type: ignore[type-var]
        lengths[name] = sizes[-1]
    assert lengths["simple"] < lengths["full"] / 10


def test_the_unit_of_a_tensor_does_not_matter() -> None:
    weights = {"W": torch.randn(20, 20, generator=torch.Generator().manual_seed(2)).double()}
    one, thousand = ([part.tolist() for part in coarse({"W": s * weights["W"]}, 0.9, 0.1)[1]] for s in (1.0, 1024.0))
    assert one == thousand


def test_where_no_cell_is_good_enough_there_is_no_length() -> None:
    weights = {"W": torch.ones(4, 4).double()}
    assert description_length(weights, lambda params: float(params is not weights), [0.5]) == {0.5: None}

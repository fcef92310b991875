"""Rows by hand, in both layouts."""

import pytest
import torch

from grokscope.training.flat import Flat
from grokscope.training.pack import Pack
from grokscope.training.transforms.row_clip import RowClip
from tests.conftest import tiny


def clipped(name: str, tensor: torch.Tensor, bound: float = 2.0) -> torch.Tensor:
    size = tensor[0].numel()
    of = Flat(tensor.flatten(1).clone(), {name: slice(0, size)}, {name: tuple(tensor.shape[1:])})
    RowClip(of, bound).apply(of.params, of.params, step=0)
    return of.views(of.params)[name]


def test_a_row_of_five_becomes_two_and_a_short_one_stays() -> None:
    """(3, 4) becomes (1.2, 1.6); (0.3, 0.4) stays bitwise. An output's inputs are a column here."""
    W = torch.tensor([[[3.0, 0.3], [4.0, 0.4]]], dtype=torch.float64)
    found = clipped("W_in", W)
    torch.testing.assert_close(found[0, :, 0], torch.tensor([1.2, 1.6], dtype=torch.float64))
    assert torch.equal(found[0, :, 1], W[0, :, 1])
    assert torch.equal(clipped("W_in", found), found) or torch.allclose(clipped("W_in", found), found, atol=1e-15)


@pytest.mark.parametrize("name", ["W_E", "W_U", "W_E_right", "W_out"])
def test_tables_of_symbols_and_what_writes_the_outputs_are_left_alone(name: str) -> None:
    W = 100 * torch.ones(1, 3, 4)
    assert torch.equal(clipped(name, W), W)


def test_a_position_a_bias_and_all_heads_together() -> None:
    assert torch.allclose(clipped("W_pos", torch.full((1, 3, 4), 5.0))[0].norm(dim=1), torch.tensor(2.0))
    assert torch.allclose(clipped("b_in", torch.full((1, 9), 5.0)).norm(dim=1), torch.tensor(2.0))
    written = clipped("W_O", torch.full((1, 2, 3, 4), 5.0))
    assert torch.allclose(written.flatten(1, 2).norm(dim=1), torch.tensor(2.0))
    read = clipped("W_Q", torch.full((1, 2, 3, 4), 5.0))
    assert torch.allclose(read.norm(dim=2), torch.tensor(2.0))


def test_in_training_no_row_is_longer() -> None:
    pack = Pack([tiny(row_clip=0.3, learning_rate=0.05)], device=torch.device("cpu"))
    for _ in range(10):
        pack.advance()
    for name in ("W_in", "W_out"):
        assert float(pack.tensors[name][0].norm(dim=0).max()) <= 0.3 + 1e-6
    assert float(pack.tensors["W_E"][0].norm(dim=1).max()) > 0.3

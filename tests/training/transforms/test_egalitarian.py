"""Polar factors by hand."""

import pytest
import torch

from grokscope.training.flat import Flat
from grokscope.training.pack import Pack
from grokscope.training.transforms.egalitarian import Egalitarian, equalised
from tests.conftest import tiny


def test_the_polar_factor() -> None:
    G = torch.tensor([[3.0, 0.0], [4.0, 5.0]], dtype=torch.float64)
    expected = torch.tensor([[0.8944272, -0.4472136], [0.4472136, 0.8944272]], dtype=torch.float64)
    torch.testing.assert_close(equalised(G), expected, atol=1e-7, rtol=0)


def test_one_row_is_its_direction() -> None:
    g = torch.randn(4, 1, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(equalised(g), g / g.norm(dim=2, keepdim=True))


def test_rows_of_full_rank_become_orthonormal_and_the_rest_stays_zero() -> None:
    G = torch.randn(5, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = equalised(G)
    torch.testing.assert_close(found @ found.T, torch.eye(5, dtype=torch.float64), atol=1e-10, rtol=0)
    low = torch.outer(torch.ones(5), torch.arange(9.0)).double()
    torch.testing.assert_close(equalised(low), low / low.norm())
    assert not equalised(torch.zeros(3, 4)).any()


def test_only_the_named_matrices_change() -> None:
    shapes = {"W_in": (4, 6), "b_in": (6,)}
    of = Flat(torch.zeros(2, 30), {"W_in": slice(0, 24), "b_in": slice(24, 30)}, shapes)
    g = torch.randn(2, 30, generator=torch.Generator().manual_seed(2))
    g[1, 0] = torch.nan
    changed = g.clone()
    Egalitarian(of, ["W_in"]).apply(of.params, changed, step=0)
    assert torch.equal(changed[:, 24:], g[:, 24:])
    torch.testing.assert_close(torch.linalg.svdvals(of.views(changed)["W_in"][0]), torch.ones(4))
    assert changed[1].isnan().any()
    for names, said in ((["W_inn"], "unknown tensor 'W_inn'"), (["b_in"], "b_in is a vector")):
        with pytest.raises(ValueError, match=said):
            Egalitarian(of, names)


def test_a_pack_trains_with_it() -> None:
    pack = Pack([tiny(egalitarian="W_in", optimizer="sgd", learning_rate=0.1)], device=torch.device("cpu"))
    before = pack.tensors["W_in"].clone()
    for _ in range(3):
        pack.advance()
    assert not torch.equal(pack.tensors["W_in"], before)

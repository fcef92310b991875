"""Energies of functions of two residues by frequency: waves have the right one, and no energy is lost."""

import math

import pytest
import torch

from grokscope.numerics.pairs import pair_energies


@pytest.mark.parametrize("p", [7, 8])
def test_waves_in_one_operand_in_the_sum_and_in_the_difference_count(p: int) -> None:
    a, b = torch.cartesian_prod(torch.arange(p), torch.arange(p)).double().T
    waves = [a, b, a + b, a - b]
    functions = torch.stack([torch.cos(2 * math.pi * 2 * x / p + 0.3) for x in waves], dim=1)
    block, products = (pair_energies(functions, p, terms=terms) for terms in ("block", "products"))
    expected = torch.zeros(p // 2, 4, dtype=torch.float64)
    expected[1] = p * p / 2
    torch.testing.assert_close(block, expected, atol=1e-9, rtol=0)
    expected[1, :2] = 0
    torch.testing.assert_close(products, expected, atol=1e-9, rtol=0)


def test_the_alternating_wave_counts_once() -> None:
    p = 6
    a, b = torch.cartesian_prod(torch.arange(p), torch.arange(p)).T
    signs = torch.stack([(-1.0) ** a, (-1.0) ** (a + b)], dim=1).double()
    energies = pair_energies(signs, p, terms="block")
    torch.testing.assert_close(energies[-1], torch.full((2,), 36.0, dtype=torch.float64))
    assert energies[:-1].abs().max() < 1e-20

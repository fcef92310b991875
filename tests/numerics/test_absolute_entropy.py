"""Entropy of absolute values, by hand."""

import math

import pytest
import torch

from grokscope.numerics.absolute_entropy import absolute_entropy, evenness


@pytest.mark.parametrize(("values", "found"), [((0.5, 0.5), 0.6931), ((1.0, 0.0), 0.0), ((2.0, 0.0), -1.3863)])
def test_published_form(values: tuple[float, ...], found: float) -> None:
    assert absolute_entropy(torch.tensor(values)) == pytest.approx(found, abs=5e-5)
    assert absolute_entropy(-torch.tensor(values)) == pytest.approx(found, abs=5e-5)


def test_it_goes_with_the_scale_as_said() -> None:
    x = torch.randn(50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    wanted = 3 * absolute_entropy(x) - 3 * math.log(3) * float(x.abs().sum())
    assert absolute_entropy(3 * x) == pytest.approx(wanted, rel=1e-12)


def test_evenness_is_free_of_scale() -> None:
    x = torch.randn(50, generator=torch.Generator().manual_seed(1))
    assert evenness(torch.full((7,), -4.0)) == pytest.approx(1, rel=1e-12)
    assert evenness(torch.tensor([0.0, 3.0, 0.0])) == pytest.approx(0, abs=1e-12)
    assert evenness(1e-20 * x.double()) == pytest.approx(evenness(x), rel=1e-6)
    assert evenness(torch.zeros(4)) is None
    assert evenness(torch.ones(1)) is None

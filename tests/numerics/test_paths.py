"""Descent on a parabola, and gradients of two samples."""

import pytest
import torch

from grokscope.errors import Missing
from grokscope.numerics.paths import SignalToNoise, cosine, path_ratio, signal_to_noise


def descent(rate: float, steps: int, h: float = 1.0) -> list[torch.Tensor]:
    """w <- (1 - rate h) w from 1."""
    return [torch.tensor([(1 - rate * h) ** step], dtype=torch.float64) for step in range(steps + 1)]


@pytest.mark.parametrize(("rate", "sign"), [(0.5, 1.0), (1.5, -1.0)])
def test_consecutive_gradients_of_a_parabola(rate: float, sign: float) -> None:
    first, second, *_ = descent(rate, 1)
    assert cosine(first, second) == sign


def test_a_path_that_does_not_turn_is_straight() -> None:
    assert path_ratio(descent(0.5, 40)) == pytest.approx(1.0, abs=1e-12)


def test_a_path_that_swings() -> None:
    """The factor -1/2 from 1: a path of 3 for a displacement of 1."""
    assert path_ratio(descent(1.5, 60)) == pytest.approx(1 / 3, abs=1e-12)


def test_there_and_back_is_no_displacement() -> None:
    points = [torch.tensor([x, 0.0]) for x in (0.0, 1.0, 0.0)]
    assert path_ratio(points) == 0.0
    assert isinstance(path_ratio(points[:1]), Missing)
    assert isinstance(path_ratio([points[0], points[0]]), Missing)


def test_two_samples() -> None:
    """{1, 3}: mean 2, variance 1."""
    found = signal_to_noise([torch.tensor([[1.0]]), torch.tensor([[3.0]])])
    assert isinstance(found, SignalToNoise)
    assert found.ratio == pytest.approx(4.0)
    assert found.published == pytest.approx(4 / 1.00001)


def test_the_ratio_is_free_of_scale_and_the_published_form_is_not() -> None:
    gradients = torch.randn(50, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 1
    one, small = signal_to_noise([gradients]), signal_to_noise([1e-4 * gradients])
    assert isinstance(one, SignalToNoise)
    assert isinstance(small, SignalToNoise)
    assert small.ratio == pytest.approx(one.ratio)
    assert small.published < one.published / 100


def test_nothing_to_compare_has_no_answer() -> None:
    assert isinstance(signal_to_noise([torch.ones(1, 3)]), Missing)
    assert isinstance(signal_to_noise([torch.ones(4, 3)]), Missing)
    assert isinstance(cosine(torch.zeros(2), torch.ones(2)), Missing)

"""Grokfast-EMA against the released loop."""

import pytest
import torch
from torch import Tensor

from grokscope.training.transforms.grokfast import Grokfast
from tests.conftest import tiny


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).unsqueeze(1)


ALPHA, LAMB = (0.98, 0.5, 0.0), (2.0, 5.0, 1.0)


def gradients(step: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(3, 20, generator=torch.Generator().manual_seed(step), dtype=torch.float64).to(dtype)


def filtered(transform: Grokfast, steps: range, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    found = []
    for step in steps:
        g = gradients(step, dtype)
        transform.apply(torch.zeros_like(g), g, step=step)
        found.append(g)
    return found


def test_it_is_the_released_filter() -> None:
    found = filtered(Grokfast(gradients(0), alpha=column(*ALPHA), lamb=column(*LAMB)), range(8))
    for replica, (alpha, lamb) in enumerate(zip(ALPHA, LAMB, strict=True)):
        mean = None
        for step in range(8):
            g = gradients(step)[replica]
            mean = g if mean is None else mean
            mean = mean * alpha + g * (1 - alpha)
            torch.testing.assert_close(found[step][replica], g + mean * lamb, atol=1e-12, rtol=0)


def test_a_constant_gradient_is_amplified_by_one_plus_lamb_from_the_first_step() -> None:
    transform = Grokfast(torch.zeros(1, 4), alpha=column(0.9), lamb=column(2.0))
    for step in range(3):
        g = torch.ones(1, 4)
        transform.apply(torch.zeros(1, 4), g, step=step)
        torch.testing.assert_close(g, torch.full((1, 4), 3.0), atol=1e-6, rtol=0)


def test_columns_act_on_their_replica_alone_and_its_state_is_all_it_remembers() -> None:
    one = Grokfast(gradients(0).float(), alpha=column(*ALPHA), lamb=column(*LAMB))
    two = Grokfast(gradients(0).float(), alpha=column(0.98, 0.7, 0.0), lamb=column(*LAMB))
    a, b = (filtered(transform, range(5), torch.float32)[-1] for transform in (one, two))
    assert torch.equal(a[[0, 2]], b[[0, 2]])
    assert not torch.equal(a[1], b[1])
    again = Grokfast(gradients(0).float(), alpha=column(*ALPHA), lamb=column(*LAMB))
    again.state["slow_gradient"].copy_(one.state["slow_gradient"])
    for x, y in zip(
        filtered(one, range(5, 8), torch.float32), filtered(again, range(5, 8), torch.float32), strict=True
    ):
        assert torch.equal(x, y)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"grokfast_memory: .*less than 1"):
        tiny(grokfast_memory=1.0)
    with pytest.raises(ValueError, match=r"grokfast_gain: .*greater than or equal to 0"):
        tiny(grokfast_gain=-1.0)

"""Grokfast-MA against a queue, and what a constant gradient becomes."""

from collections import deque

import torch
from torch import Tensor

from grokscope.training.transforms.grokfast_average import GrokfastAverage

LAMB = torch.tensor([[5.0], [0.5]], dtype=torch.float64)


def transform(size: int, dtype: torch.dtype = torch.float64) -> GrokfastAverage:
    return GrokfastAverage(torch.zeros(2, 20, dtype=dtype), size=size, lamb=LAMB)


def gradient(step: int) -> Tensor:
    return torch.randn(2, 20, generator=torch.Generator().manual_seed(step), dtype=torch.float64)


def test_it_is_the_mean_of_a_queue_once_that_is_full() -> None:
    of, queue = transform(7), deque(maxlen=7)
    for step in range(200):
        g = gradient(step)
        queue.append(g.clone())
        expected = g + LAMB * torch.stack(list(queue)).mean(0) if len(queue) == 7 else g.clone()
        of.apply(torch.zeros_like(g), g, step=step)
        torch.testing.assert_close(g, expected, atol=1e-12, rtol=0)


def test_a_constant_gradient_is_left_alone_and_then_amplified() -> None:
    of = transform(3)
    for step in range(6):
        g = torch.ones(2, 20, dtype=torch.float64)
        of.apply(g, g, step=step)
        expected = 1 + LAMB if step >= 2 else torch.ones(2, 1)
        torch.testing.assert_close(g, expected.double().expand(2, 20), atol=1e-12, rtol=0)


def test_a_buffer_that_is_written_again_does_not_change_the_past() -> None:
    of, buffer, seen = transform(2), torch.zeros(2, 20, dtype=torch.float64), []
    for step in range(4):
        buffer.copy_(gradient(step))
        of.apply(buffer, buffer, step=step)
        seen.append(buffer.clone())
    torch.testing.assert_close(seen[3], gradient(3) + LAMB * (gradient(2) + gradient(3)) / 2)


def test_its_state_is_all_it_remembers() -> None:
    one, other = transform(5), transform(5)
    for step in range(12):
        g = gradient(step)
        one.apply(g, g, step=step)
    for name, tensor in one.state.items():
        other.state[name].copy_(tensor)
    a, b = gradient(12), gradient(12)
    one.apply(a, a, step=12)
    other.apply(b, b, step=12)
    assert torch.equal(a, b)

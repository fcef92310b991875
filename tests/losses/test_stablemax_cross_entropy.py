"""StableMax against its definition as a ratio, and where the definition by rote would fail."""

import numpy as np
import pytest
import torch

from grokscope.losses import cross_entropy, stablemax_cross_entropy


def literal(x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """-log s(x_y) / sum_k s(x_k), as published."""
    s = torch.where(x >= 0, x + 1, 1 / (1 - x))
    p = s / s.sum(-1, keepdim=True)
    return -p.gather(-1, labels.unsqueeze(-1)).squeeze(-1).log()


def test_it_is_the_ratio_with_its_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = (5 * torch.randn(2, 3, 30, 11, generator=generator, dtype=torch.float64)).requires_grad_()
    labels = torch.randint(11, (2, 3, 30), generator=generator)
    ours, theirs = stablemax_cross_entropy(logits, labels, reduction="none"), literal(logits, labels)
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
    weight = torch.rand(2, 3, 30, generator=generator, dtype=torch.float64)
    gradients = [torch.autograd.grad((x * weight).sum(), logits)[0] for x in (ours, theirs)]
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=0)


def test_gradients_agree_with_finite_differences() -> None:
    logits = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    labels = torch.tensor([0, 4, 2])
    assert torch.autograd.gradcheck(lambda z: stablemax_cross_entropy(z, labels), (logits,))


def test_the_gradient_at_zero_logits_is_not_zero() -> None:
    """There s' = 1, so it is that of softmax; sign(x) differentiated by rote would stop a network of zero outputs."""
    logits, labels = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True), torch.tensor([2])
    (gradient,) = torch.autograd.grad(stablemax_cross_entropy(logits, labels), logits)
    torch.testing.assert_close(gradient, torch.tensor([[0.25, 0.25, -0.75, 0.25]]).double(), atol=1e-15, rtol=0)


def test_logits_of_1e16_have_finite_losses_and_gradients() -> None:
    logits = torch.tensor([[1e16, -1e16, 99.0], [-1e16, 1e16, 99.0]], dtype=torch.float64, requires_grad=True)
    losses = stablemax_cross_entropy(logits, torch.tensor([0, 0]), reduction="none")
    assert losses[0].item() == pytest.approx(1e-14, rel=0.03)  # log1p(100 / 1e16), in steps of 2.2e-16
    assert losses[1].item() == pytest.approx(2 * np.log(1e16), abs=1e-9)  # p_y = 1e-16 / 1e16
    (gradient,) = torch.autograd.grad(losses.sum(), logits)
    assert gradient.isfinite().all()
    assert cross_entropy(logits, torch.tensor([0, 0]), reduction="none")[1].item() == 2e16  # what softmax says


@pytest.mark.parametrize(
    ("dtype", "alive", "dead"), [("float16", 1e2, 1e4), ("float32", 1e4, 1e8), ("float64", 1e6, 1e16)]
)
def test_it_collapses_too_only_later(dtype: str, alive: float, dead: float) -> None:
    """Correct logit S, 112 others at -S: 112 / S^2 against half a unit in the last place of 1."""
    logits = torch.full((2, 113), -1.0, dtype=torch.float64)
    logits[:, 0] = 1
    logits *= torch.tensor([[alive], [dead]])
    losses = stablemax_cross_entropy(logits, torch.tensor([0, 0]), reduction="none", softmax_dtype=dtype)
    assert losses[0] > 0
    assert losses[1] == 0


def test_numpy_is_accepted() -> None:
    logits = np.array([[1.0, -2.0, 0.5]])
    s = np.array([2, 1 / 3, 1.5])
    assert float(stablemax_cross_entropy(logits, np.array([1]))) == pytest.approx(-np.log(s[1] / s.sum()))  # pyright: ignore

"""Cross-entropy against torch's in float64, and where float32 would lose it."""

import math

import torch

from grokscope.losses import cross_entropy


def test_it_equals_torch_in_float64_with_gradients() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = (5 * torch.randn(4, 6, 11, generator=generator, dtype=torch.float64)).requires_grad_()
    labels = torch.randint(11, (4, 6), generator=generator)
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(4, 6)
    torch.testing.assert_close(cross_entropy(logits, labels, reduction="none"), expected, atol=1e-9, rtol=0)
    weight = torch.rand(4, 6, generator=generator, dtype=torch.float64)
    (ours,) = torch.autograd.grad((cross_entropy(logits, labels, reduction="none") * weight).sum(), logits)
    (theirs,) = torch.autograd.grad((expected * weight).sum(), logits)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)


def test_gradients_agree_with_finite_differences() -> None:
    logits = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    labels = torch.tensor([0, 4, 2])
    assert torch.autograd.gradcheck(lambda z: cross_entropy(z, labels), (logits,))


def test_small_losses_of_float32_logits_are_exact() -> None:
    """exp(-25) is below float32's loss quantum of 1.2e-7; the loss and the correct class's gradient must not be 0."""
    logits = torch.tensor([[25.0, 0.0, 0.0]], requires_grad=True)
    loss = cross_entropy(logits, torch.tensor([0]))
    expected = math.log1p(2 * math.exp(-25))
    assert abs(loss.item() - expected) < 1e-15  # float64 rounding of a sum near 1
    loss.backward()
    assert logits.grad is not None
    assert abs(logits.grad[0, 0].item() + expected) < 1e-15
    assert torch.nn.functional.cross_entropy(logits, torch.tensor([0])).item() == 0  # what float32 makes of it


def test_what_is_not_finite_stays_so() -> None:
    losses = cross_entropy(torch.tensor([[math.nan, 0.0], [1.0, 0.0]]), torch.tensor([0, 0]), reduction="none")
    assert losses.isnan().tolist() == [True, False]


def test_numpy_and_wrong_reductions() -> None:
    import numpy as np
    import pytest

    logits = np.array([[1.0, 2.0, 0.5]])
    expected = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor([1]))
    assert abs(float(cross_entropy(logits, np.array([1])) - expected)) < 1e-9  # pyright: ignore
    with pytest.raises(ValueError, match="reduction must be 'mean' or 'none', got 'sum'"):
        cross_entropy(torch.zeros(1, 2), torch.tensor([0]), reduction="sum")  # pyright: ignore


def test_the_logits_are_left_alone() -> None:
    logits = torch.randn(3, 4, dtype=torch.float64)
    before = logits.clone()
    cross_entropy(logits, torch.tensor([0, 1, 2]))
    assert torch.equal(logits, before)


def test_labels_that_do_not_fit_are_refused() -> None:
    import pytest

    with pytest.raises(ValueError, match=r"need labels of shape \(2, 3\), got \(1, 3\)"):
        cross_entropy(torch.zeros(2, 3, 5), torch.zeros(1, 3).long(), reduction="none")
    with pytest.raises(ValueError, match="needs class labels \\(integers\\), got float32"):
        cross_entropy(torch.zeros(1, 2), torch.tensor([0.5]))


def test_a_loss_travels_to_another_process_and_says_what_it_is() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(cross_entropy)) == cross_entropy
    assert "Cross-entropy in nats" in (cross_entropy.__doc__ or "")


def test_smoothed_labels_and_temperature_are_torchs() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = (5 * torch.randn(4, 6, 11, generator=generator, dtype=torch.float64)).requires_grad_()
    labels = torch.randint(11, (4, 6), generator=generator)
    for share, temperature in ((0.1, 1.0), (0.0, 3.0), (0.3, 0.5), (1.0, 1.0)):
        expected = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1) / temperature, labels.flatten(), label_smoothing=share, reduction="none"
        ).view(4, 6)
        ours = cross_entropy(logits, labels, reduction="none", label_smoothing=share, temperature=temperature)
        torch.testing.assert_close(ours, expected, atol=1e-9, rtol=0)
        gradients = [torch.autograd.grad(losses.sum(), logits)[0] for losses in (ours, expected)]
        torch.testing.assert_close(*gradients, atol=1e-9, rtol=0)


def test_smoothed_labels_do_not_collapse_and_a_temperature_does() -> None:
    """In float32 the total rounds to 1 at a lead of 40 nats; a temperature of 2 only moves the lead to 80."""
    for share, lead, temperature, zero in ((0.0, 40.0, 1.0, True), (0.1, 40.0, 1.0, False), (0.0, 80.0, 2.0, True)):
        logits = torch.tensor([[lead, 0.0, 0.0]], requires_grad=True)
        loss = cross_entropy(
            logits, torch.tensor([0]), softmax_dtype="float32", label_smoothing=share, temperature=temperature
        )
        (gradient,) = torch.autograd.grad(loss, logits)
        assert (loss.item() == 0) is zero
        assert (gradient[0, 0].item() == 0) is zero

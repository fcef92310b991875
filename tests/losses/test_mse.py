"""Mean squared error against torch's, on classes and on given targets."""

import numpy as np
import pytest
import torch

from grokscope.losses import mse


@pytest.mark.parametrize("one_hot", [True, False])
def test_it_equals_torch_in_float64_with_gradients(one_hot: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(4, 6, 11, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.randint(11, (4, 6), generator=generator)
    values = torch.randn(4, 6, 11, generator=generator, dtype=torch.float64)
    dense = torch.nn.functional.one_hot(labels, 11).double() if one_hot else values
    theirs = torch.nn.functional.mse_loss(outputs, dense, reduction="none").mean(-1)
    ours = mse(outputs, labels if one_hot else values, reduction="none")
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
    weight = torch.rand(4, 6, generator=generator, dtype=torch.float64)
    gradients = [torch.autograd.grad((x * weight).sum(), outputs)[0] for x in (ours, theirs)]
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=0)
    assert mse(outputs, dense).item() == pytest.approx(torch.nn.functional.mse_loss(outputs, dense).item(), abs=1e-12)


def test_gradients_agree_with_finite_differences() -> None:
    outputs = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: mse(f, torch.tensor([0, 4, 2])), (outputs,))


def test_it_accumulates_in_float64_and_keeps_the_outputs_dtype_in_gradients() -> None:
    outputs = torch.full((1, 100_000), 1e-4, requires_grad=True)
    targets = torch.zeros(1, 100_000)
    targets[0, 0] = 1e4  # its square hides the others' in a float32 sum
    loss = mse(outputs, targets)
    step = float(torch.tensor(1e-4))  # 1e-4 as a float32
    assert loss.item() == pytest.approx(((1e4 - step) ** 2 + 99_999 * step**2) / 100_000, rel=1e-14)
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert gradient.dtype == torch.float32


def test_zero_outputs_and_what_is_not_modified() -> None:
    outputs = torch.zeros(2, 4, dtype=torch.float64)
    assert mse(outputs, np.array([0, 3])).item() == 0.25  # pyright: ignore
    assert not outputs.any()
    assert mse(np.zeros((2, 4)), torch.tensor([0, 3]), reduction="none").tolist() == [0.25, 0.25]  # pyright: ignore


def test_wrong_targets_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must have the shape of the outputs, \(3, 2\), got \(3,\)"):
        mse(torch.zeros(3, 2), torch.zeros(3))
    with pytest.raises(ValueError, match=r"need labels of shape \(2, 3\), got \(1, 3\)"):
        mse(torch.zeros(2, 3, 5), torch.zeros(1, 3).long())
    with pytest.raises(ValueError, match="unknown field 'softmax_dtype'"):
        mse(torch.zeros(3, 2), torch.zeros(3).long(), softmax_dtype="float16")

"""The softmax of a chosen dtype: what it rounds, and where it collapses."""

import math
from collections.abc import Callable

import pytest
import torch

from grokscope.losses import cross_entropy, stablemax_cross_entropy

DTYPES = ("float16", "bfloat16", "float32", "float64")
BITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}  # of the significand


def one_leads(margins: torch.Tensor, n_others: int) -> torch.Tensor:
    """Logits of samples whose class 0 leads n_others equal ones by each margin."""
    logits = torch.zeros(len(margins), n_others + 1, dtype=torch.float64)
    logits[:, 1:] = -margins.unsqueeze(1)
    return logits.requires_grad_()


def collapsed(margins: torch.Tensor, n_others: int, dtype: str) -> torch.Tensor:
    """Samples of loss 0; the gradient of their correct class, and of no other sample, must be exactly 0."""
    logits = one_leads(margins, n_others)
    losses = cross_entropy(logits, torch.zeros(len(margins)).long(), reduction="none", softmax_dtype=dtype)
    (gradient,) = torch.autograd.grad(losses.sum(), logits)
    assert torch.equal(losses == 0, gradient[:, 0] == 0)
    return losses == 0


def threshold(n_others: int, dtype: str) -> float:
    margins = torch.arange(0, 60, 1 / 64, dtype=torch.float64)  # 1/64: exact in float16 below 16
    zero = collapsed(margins, n_others, dtype)
    assert torch.equal(zero, margins >= margins[zero].min()), "beyond the threshold every sample collapses"
    return float(margins[zero].min())


@pytest.mark.parametrize("dtype", DTYPES)
def test_two_classes_collapse_where_the_second_is_half_a_unit_in_the_last_place(dtype: str) -> None:
    """1 + e^-m rounds to 1 from m = ln 2^p on: 7.62, 5.55, 16.64 and 36.74."""
    spacing = 1 / 64 if dtype != "bfloat16" else 1 / 32  # bfloat16 has a step of 1/32 at 5.5
    assert threshold(1, dtype) == pytest.approx(BITS[dtype] * math.log(2), abs=spacing)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_types_round_the_total_once(dtype: str) -> None:
    """112 wrong classes: ln(112 * 2^p), 12.34 in float16; sums rounded at every step would collapse at 7.62."""
    spacing = {"float16": 1 / 64, "bfloat16": 1 / 16}[dtype]  # between the numbers of the dtype near 12 and 10
    assert threshold(112, dtype) == pytest.approx(math.log(112 * 2 ** BITS[dtype]), abs=spacing)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_wider_types_collapse_between_sequential_sums_and_one_rounding(dtype: str) -> None:
    """torch.sum adds by lanes: later than one running sum, no later than an exact sum rounded once."""
    first, last = BITS[dtype] * math.log(2), math.log(112 * 2 ** BITS[dtype])
    assert first + 1 < threshold(112, dtype) < last + 1 / 64


def test_the_label_does_not_move_the_collapse_but_decides_the_loss() -> None:
    logits = one_leads(torch.tensor([30.0]), 1)
    losses = [cross_entropy(logits, torch.tensor([y]), softmax_dtype="float32").item() for y in (0, 1)]
    assert losses == [0.0, 30.0]


def test_wrong_classes_go_on_being_pushed_down() -> None:
    margins = torch.tensor([12.5, 17.0, 18.0, 80.0], dtype=torch.float64)
    for dtype, expected in (("float16", [True, True, False, False]), ("float32", [True] * 4)):
        logits = one_leads(margins, 112)
        losses = cross_entropy(logits, torch.zeros(4).long(), reduction="none", softmax_dtype=dtype)
        (gradient,) = torch.autograd.grad(losses.sum(), logits)
        assert ((gradient[:, 1:] > 0).all(1)).tolist() == expected  # float16 underflows from ln 2^25 = 17.3 on


@pytest.mark.parametrize("loss", [cross_entropy, stablemax_cross_entropy], ids=["softmax", "stablemax"])
@pytest.mark.parametrize("dtype", DTYPES[:3])
def test_every_dtype_agrees_with_float64_to_its_precision(loss: Callable, dtype: str) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 40, 17, generator=generator).requires_grad_()
    labels = torch.randint(17, (3, 40), generator=generator)
    found = loss(logits, labels, reduction="none", softmax_dtype=dtype)
    exact = loss(logits, labels, reduction="none")
    assert found.dtype == torch.float64
    tolerance = 16 * 2.0 ** -BITS[dtype]  # logits of size 4, and about four roundings
    torch.testing.assert_close(found, exact, atol=tolerance, rtol=0)
    assert not torch.equal(found, exact)
    gradients = [torch.autograd.grad(x.sum(), logits)[0] for x in (found, exact)]
    assert gradients[0].dtype == torch.float32
    torch.testing.assert_close(*gradients, atol=tolerance, rtol=0)


@pytest.mark.parametrize("loss", [cross_entropy, stablemax_cross_entropy], ids=["softmax", "stablemax"])
def test_losses_and_correct_gradients_are_numbers_of_the_dtype(loss: Callable) -> None:
    logits = torch.randn(50, 7, generator=torch.Generator().manual_seed(2), dtype=torch.float64).requires_grad_()
    losses = loss(logits, torch.arange(50) % 7, reduction="none", softmax_dtype="float16")
    (gradient,) = torch.autograd.grad(losses.sum(), logits)
    assert torch.equal(losses, losses.half().double())
    assert torch.equal(gradient, gradient.half().double())


def test_the_mean_is_formed_in_float64() -> None:
    """4097 losses of ln 2: their float16 sum would overflow the significand."""
    logits = torch.zeros(4097, 2)
    mean = cross_entropy(logits, torch.zeros(4097).long(), softmax_dtype="float16").item()
    assert mean == pytest.approx(torch.tensor(2.0).half().log().item(), abs=1e-12)


def test_logits_beyond_float16_are_not_a_number_there() -> None:
    logits, label = torch.tensor([[1e6, 0.0]]), torch.tensor([0])
    assert math.isnan(cross_entropy(logits, label, softmax_dtype="float16").item())
    assert cross_entropy(logits, label, softmax_dtype="bfloat16").item() == 0


@pytest.mark.parametrize("loss", [cross_entropy, stablemax_cross_entropy], ids=["softmax", "stablemax"])
def test_options_are_validated(loss: Callable) -> None:
    assert loss.options().softmax_dtype == "float64"  # pyright: ignore
    with pytest.raises(ValueError, match="softmax_dtype: input should be 'float16', 'bfloat16', 'float32' or 'float6"):
        loss(torch.zeros(1, 2), torch.tensor([0]), softmax_dtype="float8")
    with pytest.raises(ValueError, match="unknown field 'dtype'"):
        loss(torch.zeros(1, 2), torch.tensor([0]), dtype="float16")

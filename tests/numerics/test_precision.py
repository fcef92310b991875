"""Terms lost in floating-point sums, against sums that are rounded by hand."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.numerics.precision import BITS, absorbed, collapse_rate, collapsed, may_collapse, zero_loss_margin

ORDERS = ("torch", "sequential", "pairwise")
NUMPY = ("float16", "float32", "float64")  # numpy has no bfloat16


def one_leads(margin: float, n_classes: int, leader: int = 0) -> np.ndarray:
    logits = np.full((1, n_classes), -margin)
    logits[0, leader] = 0
    return logits


def rounded(dtype: str, exact: float) -> float:
    return float(torch.tensor(exact, dtype=torch.float64).to(getattr(torch, dtype)))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", BITS)
def test_two_classes_collapse_at_half_a_unit_in_the_last_place(dtype: str, order: str) -> None:
    """ln 2^p: 7.62, 5.55, 16.64 and 36.74 nats, the published 7.6, 16.7 and 36.7."""
    expected = BITS[dtype] * math.log(2)
    spacing = {"float16": 1 / 256, "bfloat16": 1 / 32}.get(dtype, 0)  # of the dtype there
    assert zero_loss_margin(2, dtype, order) == pytest.approx(expected, abs=spacing + 1e-3)
    assert collapse_rate(one_leads(expected + spacing + 1e-6, 2), dtype, order) == 1
    assert collapse_rate(one_leads(expected - spacing - 1e-6, 2), dtype, order) == 0


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("leader", [0, 57, 112])
def test_one_after_another_each_of_113_classes_is_lost_alone(dtype: str, leader: int) -> None:
    assert zero_loss_margin(113, dtype, "sequential", leader=leader) == pytest.approx(
        zero_loss_margin(2, dtype), abs=1e-3
    )


@pytest.mark.parametrize(("dtype", "spacing"), [("float16", 1 / 128), ("bfloat16", 1 / 16)])
def test_torch_rounds_sums_of_half_types_once(dtype: str, spacing: float) -> None:
    """ln(112 * 2^p): 12.34, the published 12.4, and 10.26; and the rational sum, rounded once, of any terms."""
    for leader in (0, 57, 112):
        margin = zero_loss_margin(113, dtype, leader=leader)
        assert margin == pytest.approx(math.log(112 * 2 ** BITS[dtype]), abs=spacing)
    terms = torch.rand(50, 113, generator=torch.Generator().manual_seed(0)).to(getattr(torch, dtype))
    exact = [float(sum(Fraction(x) for x in row)) for row in terms.double().tolist()]
    assert terms.sum(1).tolist() == [rounded(dtype, total) for total in exact]


@pytest.mark.parametrize(("dtype", "published"), [("float32", 21.0), ("float64", 40.1)])
def test_torch_adds_wider_types_by_lanes_so_that_the_leader_s_place_matters(dtype: str, published: float) -> None:
    margins = [zero_loss_margin(113, dtype, leader=leader) for leader in range(0, 113, 4)]
    once, alone = math.log(112 * 2 ** BITS[dtype]), BITS[dtype] * math.log(2)
    assert alone + 1 < min(margins) <= max(margins) < once + 1e-3
    assert min(margins) - 1 < published < max(margins) + 1  # published from another processor, perhaps


@pytest.mark.parametrize("dtype", NUMPY)
def test_orders_are_what_they_say(dtype: str) -> None:
    """Rows near the border, summed in numpy's own scalars, which round every addition."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (60, 13)) - BITS[dtype] * math.log(2) - np.linspace(0, 5, 60)[:, None]
    logits[:, 0] = 0
    logits = rng.permuted(logits, axis=1).astype(dtype)
    terms = torch.from_numpy(logits - logits.max(1, keepdims=True)).exp().numpy()

    def one_by_one(row: np.ndarray) -> np.floating:
        total = row.dtype.type(0)
        for term in np.sort(row)[::-1]:
            total = total + term
        return total

    def tree(row: np.ndarray) -> np.floating:
        while len(row) > 1:
            row = np.append(row, row.dtype.type(0)) if len(row) % 2 else row
            row = np.array([a + b for a, b in zip(row[::2], row[1::2], strict=True)])
        return row[0]

    for order, rule in (("sequential", one_by_one), ("pairwise", tree)):
        share = np.mean([rule(row) == 1 for row in terms])
        assert 0 < share < 1
        assert collapse_rate(logits, dtype, order) == share  # pyright: ignore[reportArgumentType]


def test_logits_are_cast_before_the_maximum_is_subtracted() -> None:
    """At 4096 float16 has multiples of 4 only: a lead of 7 becomes one of 8, beyond 7.62."""
    logits = np.array([[4105.0, 4098.0]])
    assert collapse_rate(logits, "float16") == 1
    assert collapse_rate(logits - 4098, "float16") == 0


def test_it_is_a_share_of_the_samples_however_they_lie_in_memory() -> None:
    rows = torch.tensor(np.concatenate([one_leads(margin, 113, 70) for margin in np.linspace(14, 24, 41)]))
    logits = rows.float()
    share = collapse_rate(logits, torch.float32)
    assert share == pytest.approx(np.mean([collapse_rate(row[None], "float32") for row in logits]), abs=1e-12)  # pyright: ignore
    assert 0 < share < 1  # pyright: ignore
    for same in (logits.T.contiguous().T, torch.cat([logits, logits], 1)[:, :113], logits.numpy()[::-1], logits + 8):
        assert collapse_rate(same, np.float32) == share
    frozen = logits.numpy().copy()
    frozen.flags.writeable = False
    assert collapse_rate(frozen, np.dtype("float32")) == share
    assert collapse_rate(np.zeros((3, 1)), "float64") == 1  # one class is sure
    assert collapse_rate([[40, 0], [0, 1]], "float64") == 0.5


def test_logits_beyond_the_dtype_have_no_answer() -> None:
    assert isinstance(collapse_rate([[1e5, 0.0]], "float16"), Missing)
    assert collapse_rate([[1e5, 0.0]], "bfloat16") == 1
    assert collapse_rate([[-1e5, 0.0]], "float16") == 1  # its exponential is 0 all the same


@pytest.mark.parametrize(
    ("logits", "dtype", "message"),
    [
        ([[0.0, 1.0]], "float23", "unknown dtype 'float23'. Did you mean 'float"),
        ([[0.0, 1.0]], torch.int64, "unknown dtype 'int64'"),
        ([0.0, 1.0], "float32", r"logits must have the shape \(sample, class\), got \(2,\)"),
        ([[0.0, math.nan]], "float32", "logits must be finite"),
        ([[0.0, -math.inf]], "float32", "logits must be finite"),
        (np.zeros((0, 3)), "float32", "at least one"),
        (np.zeros((3, 0)), "float32", "at least one"),
        (np.array([["a"]]), "float32", "logits must be real numbers, got an array of <U1"),
        (torch.zeros(2, 2, dtype=torch.complex64), "float32", "logits must be real numbers"),
    ],
)
def test_bad_logits_are_refused(logits: object, dtype: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        collapse_rate(logits, dtype)


def test_bad_orders_and_numbers_of_classes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown order 'pairs'. Did you mean 'pairwise'"):
        collapse_rate([[0.0, 1.0]], "float32", "pairs")  # pyright: ignore[reportArgumentType]
    for n in (1, 2.5):
        with pytest.raises(ValueError, match="n_classes must be a whole number from 2 on"):
            zero_loss_margin(n, "float32")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"leader must lie in 0\.\.4, got 5"):
        zero_loss_margin(5, "float32", leader=5)


@pytest.mark.parametrize("dtype", BITS)
def test_an_update_of_half_a_unit_in_the_last_place_is_absorbed_to_even(dtype: str) -> None:
    half, kind = 2.0 ** -BITS[dtype], getattr(torch, dtype)

    def share(weight: float, update: float) -> float:
        return absorbed(torch.tensor([weight], dtype=kind), torch.tensor([update], dtype=torch.float64))

    assert share(1, half) == 1
    assert share(1, 1.5 * half) == 0
    assert share(1 + 2 * half, half) == 0  # the last place is odd: the tie goes up
    assert share(1, -half) == 0  # below 1 the spacing is half as wide
    assert share(1, -half / 2) == 1
    assert share(2, 2 * half) == share(1, 0) == 1
    assert share(0, half) == 0


def test_absorption_is_a_share_in_the_dtype_of_the_weights() -> None:
    weights, step = np.array([[1.0, 1.0], [1e-3, 0.0]], np.float32), np.full((2, 2), -1e-8)
    assert absorbed(weights, step) == 0.5
    assert absorbed(weights.astype(np.float64), step) == 0
    assert absorbed(torch.tensor(weights), torch.tensor(step)) == 0.5
    assert absorbed(weights, 1e-40 * step) == 1  # rounds to 0 in float32
    assert weights.tolist()[0] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("weights", "updates", "message"),
    [
        (np.ones(3), np.ones(4), r"weights of shape \(3,\), updates of \(4,\)"),
        (np.ones(3, int), np.ones(3), "weights must be floating-point numbers, got int64"),
        (np.ones(0), np.ones(0), "weights must be real numbers, at least one"),
        (np.array([np.nan]), np.ones(1), "weights must be finite"),
        (np.ones(1), np.array([np.inf]), "updates must be finite"),
    ],
)
def test_bad_weights_and_updates_are_refused(weights: np.ndarray, updates: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        absorbed(weights, updates)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", BITS)
def test_only_leads_that_are_too_short_are_ruled_out(dtype: str, order: Any) -> None:
    """Leads around the margin of two classes, and logits so large that the dtype rounds them by more than a nat."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4_000, 5, generator=generator, dtype=torch.float64)
    logits[:, 0] += 1.2 * BITS[dtype] * torch.rand(4_000, generator=generator, dtype=torch.float64)
    logits = torch.cat([logits, logits + 1_000, logits * 30])
    first, second = logits.topk(2).values.T
    may = may_collapse(first - second, logits.abs().amax(1), dtype)
    found, _ = collapsed(logits, dtype, order)
    assert not (found & ~may).any()
    assert 0.05 < float(may.double().mean()) < 0.95

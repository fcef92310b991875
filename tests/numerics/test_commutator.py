"""Quadratic forms, whose commutator is (BA - AB) x at every step."""

import pytest
import torch

from grokscope.numerics.commutator import Commutator, commutator, of_steps

A, B, X = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.ones(2)
A, B, X = A.double(), B.double(), X.double()


def limit(a: torch.Tensor, b: torch.Tensor, x: torch.Tensor) -> Commutator:
    return commutator(a @ x, b @ x, b @ (a @ x), a @ (b @ x))


def steps(a: torch.Tensor, b: torch.Tensor, x: torch.Tensor, rate: float) -> Commutator:
    return of_steps(lambda w: a @ w, lambda w: b @ w, x, rate)


def test_the_worked_example() -> None:
    found = limit(A, B, X)
    assert found.numerator == pytest.approx(2**0.5, abs=1e-12)
    assert found.defect == pytest.approx(0.4472136, abs=1e-7)
    assert found.scale_free == pytest.approx(0.3162278, abs=1e-7)


@pytest.mark.parametrize("rate", [0.1, 1e-3])
def test_steps_of_any_length_agree_on_quadratic_forms(rate: float) -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(6, 6, generator=generator, dtype=torch.float64) for _ in range(2))
    a, b, x = a + a.T, b + b.T, torch.randn(6, generator=generator, dtype=torch.float64)
    exact = limit(a, b, x)
    assert exact.numerator == pytest.approx(float(((b @ a - a @ b) @ x).norm()), rel=1e-12)
    for name, value in vars(steps(a, b, x, rate)).items():
        assert value == pytest.approx(getattr(exact, name), rel=1e-9), name


def test_forms_that_commute_have_none() -> None:
    for a, b in ((A, A), (A, torch.diag(torch.tensor([3.0, 0.5])).double())):
        assert limit(a, b, X).defect == pytest.approx(0.0, abs=1e-12)
        assert steps(a, b, X, 0.1).defect == pytest.approx(0.0, abs=1e-12)


def test_scales() -> None:
    """Twice the loss: twice the defect's curvature over as much gradient; the scale-free form stays."""
    one, two = limit(A, B, X), limit(A, B, 2 * X)
    assert two.defect == pytest.approx(one.defect / 2)
    assert two.scale_free == pytest.approx(one.scale_free)


def test_no_gradient_is_no_commutator() -> None:
    assert limit(A, B, torch.zeros(2).double()) == Commutator(defect=0.0, scale_free=0.0, numerator=0.0, gradient=0.0)

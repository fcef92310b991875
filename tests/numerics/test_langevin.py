"""Losses whose learning coefficient, or whose mean under the sampler's own law, is known."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics.langevin import Learning, local_learning_coefficient


def of(loss: Any, d: int, **options: Any) -> Learning:
    def slopes(w: Tensor) -> tuple[Tensor, Tensor]:
        w = w.detach().requires_grad_()
        values = loss(w)
        return values.detach(), torch.autograd.grad(values.sum(), w)[0]

    found = local_learning_coefficient(slopes, torch.zeros(d, dtype=torch.float64), **options)
    assert isinstance(found, Learning)
    return found


def test_a_regular_minimum_has_half_its_weights() -> None:
    """With localisation and step near 0: d / 2, within 10 %."""
    d = 20
    scales = torch.linspace(0.5, 2, d, dtype=torch.float64)
    options = {"n": 1000, "step": 1e-3, "localisation": 1e-3, "n_chains": 8, "n_draws": 4000, "burn_in": 500}
    found = of(lambda w: 0.5 * (scales * w**2).sum(1), d, **options)
    assert found.value == pytest.approx(d / 2, rel=0.1)
    assert found.spread < 1
    assert found.drift == pytest.approx(1, abs=0.2)


def test_the_law_of_the_sampler_at_a_finite_step() -> None:
    """sum_i nb h_i / (2 a_i (1 - step a_i / 4)), a_i = nb h_i + localisation: exactly so for a quadratic loss."""
    h, heat, pull, step = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64), 50.0, 3.0, 2e-3
    a = heat * h + pull
    exact = float((heat * h / (2 * a * (1 - step * a / 4))).sum())
    assert exact == pytest.approx(1.4491, abs=1e-4)
    options = {"n": 1000, "n_beta": heat, "step": step, "localisation": pull, "n_chains": 300, "n_draws": 2000}
    found = of(lambda w: 0.5 * (h * w**2).sum(1), 3, burn_in=500, **options)
    assert found.value == pytest.approx(exact, rel=0.01)
    assert len(found.by_chain) == 300


@pytest.mark.parametrize(("n", "step", "exact"), [(1_000, 1e-3, 0.3559), (10_000, 2e-4, 0.3883)])
def test_two_lines_that_cross(n: int, step: float, exact: float) -> None:
    """x^2 y^2 on [-1, 1]^2: lambda is 1/2, and n beta E[L] comes to it as slowly as ln ln n."""
    grid = (np.arange(8000) + 0.5) / 8000
    # Over y the integral is an error function; over x it is summed.
    heat = n / math.log(n)
    scaled = math.sqrt(heat) * grid
    of_y = np.array([math.erf(s) for s in scaled]) * math.sqrt(math.pi) / (2 * scaled)
    of_loss = (of_y - np.exp(-(scaled**2))) / 2  # integral of heat x^2 y^2 exp(-heat x^2 y^2) over y
    assert of_loss.sum() / of_y.sum() == pytest.approx(exact, abs=1e-4)
    options = {"n": n, "step": step, "localisation": 0.0, "within": 1.0, "n_chains": 200}
    found = of(lambda w: (w[:, 0] * w[:, 1]) ** 2, 2, n_draws=8000, burn_in=6000, **options)
    assert found.value == pytest.approx(exact, rel=0.1)


def test_a_point_that_is_no_minimum_is_negative() -> None:
    found = of(lambda w: w.sum(1), 4, n=100, step=1e-3, localisation=1.0)
    assert found.value < 0


def test_the_seed_decides_and_the_generator_of_the_process_is_left_alone() -> None:
    options: dict[str, Any] = {"n": 100, "step": 1e-3, "localisation": 1.0, "n_draws": 10}
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, same, other = (of(lambda w: (w**2).sum(1), 3, seed=seed, **options) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert torch.equal(torch.get_rng_state(), before)


def test_draws_that_run_away_have_no_answer() -> None:
    def slopes(w: Tensor) -> tuple[Tensor, Tensor]:
        return (w**4).sum(1), 4 * w**3

    start = torch.ones(3, dtype=torch.float64)
    found = local_learning_coefficient(slopes, start, n=1000, step=10.0, localisation=0.0)
    assert isinstance(found, Missing)
    assert "smaller" in found.reason
    with pytest.raises(ValueError, match="expected at least 2"):
        local_learning_coefficient(slopes, start, n=1, step=1.0, localisation=0.0)

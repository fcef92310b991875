"""The two-circuit model: the published fixed points, its theorem, and gradient descent."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq, minimize

from grokscope.errors import Missing
from grokscope.numerics.two_circuits import TwoCircuits, fixed_point, simulate


@pytest.mark.parametrize(
    ("convention", "w_G", "w_M", "train", "test"),
    [("alpha", 7.248, 0.906, 0.0317, 0.0777), ("alpha/2", 7.832, 0.979, 0.0166, 0.0441)],
)
def test_the_fixed_points_of_both_conventions(
    convention: Any, w_G: float, w_M: float, train: float, test: float
) -> None:
    point = fixed_point(TwoCircuits(convention=convention))
    assert point.ratio == pytest.approx(8, rel=1e-9)
    assert (point.w_G, point.w_M) == pytest.approx((w_G, w_M), abs=5e-4)
    assert (point.train_loss, point.test_loss) == pytest.approx((train, test), abs=5e-5)


@pytest.mark.parametrize("convention", ["alpha", "alpha/2"])
def test_a_dear_generalising_circuit_never_generalises(convention: Any) -> None:
    model = TwoCircuits(P_G=4, convention=convention)
    point = fixed_point(model)
    assert point.ratio == pytest.approx(1 / 8, rel=1e-9)
    assert point.test_loss > math.log(113)
    if convention == "alpha":
        assert point.test_loss == pytest.approx(5.53, abs=5e-3)
    behind = simulate(model).overtaken_at
    assert isinstance(behind, Missing)
    assert "not ahead at step 20000" in behind.reason


@pytest.mark.parametrize("kappa", [0.5, 1.0, 1.2, 1.7])
@pytest.mark.parametrize("price", [0.5, 1.3, 2.0])
def test_the_fixed_point_is_the_minimum_and_keeps_the_ratio_of_the_theorem(kappa: float, price: float) -> None:
    model = TwoCircuits(kappa=kappa, P_M=price, alpha=0.01, n_classes=31)
    point = fixed_point(model)
    assert point.ratio == pytest.approx(price ** (2 * kappa / (2 - kappa)), rel=1e-9)
    assert model.slopes(point.w_G, point.w_M) == pytest.approx((0, 0), abs=1e-9)
    # Literally, by a method without derivatives.
    literal = minimize(
        lambda w: model.train_loss(*w) + model.penalty(*w), (1.0, 1.0), method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-15, "maxiter": 5000},
    )  # fmt: skip
    assert literal.x == pytest.approx([point.w_G, point.w_M], rel=1e-4, abs=1e-6)  # a minimum is flat: half the digits


def test_losses_and_slopes_are_those_of_the_formulas() -> None:
    model, w = TwoCircuits(n_classes=7, alpha=0.03, P_G=1.5), (1.1, 0.4)
    total = sum(w)
    assert model.train_loss(*w) == pytest.approx(math.log(math.exp(total) + 6) - total, rel=1e-12)
    assert model.test_loss(*w) == pytest.approx(math.log(math.exp(w[0]) + math.exp(w[1]) + 5) - w[0], rel=1e-12)
    assert model.penalty(*w) == pytest.approx(0.03 * (2.25 * 1.1 ** (5 / 3) + 4 * 0.4 ** (5 / 3)), rel=1e-12)
    for i, slope in enumerate(model.slopes(*w)):
        ends = []
        for move in (1e-5, -1e-5):
            moved = [value + move * (i == j) for j, value in enumerate(w)]
            ends.append(model.train_loss(*moved) + model.penalty(*moved))
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-7)
    assert TwoCircuits().slopes(0, 0) == pytest.approx((-112 / 113, -112 / 113), rel=1e-12)
    # Without overflow, and without the rounding of 1 + e^-50.
    assert model.train_loss(50, 0) == pytest.approx(6 * math.exp(-50), rel=1e-9)
    assert model.test_loss(0, 600) == pytest.approx(600, rel=1e-12)


@pytest.mark.parametrize("convention", ["alpha", "alpha/2"])
def test_descent_memorises_first_and_ends_at_the_fixed_point(convention: Any) -> None:
    model = TwoCircuits(convention=convention)
    answer, rest = simulate(model), fixed_point(model)
    assert (answer.w_G[-1], answer.w_M[-1]) == pytest.approx((rest.w_G, rest.w_M), rel=1e-9)
    assert (answer.train_loss[-1], answer.test_loss[-1]) == pytest.approx((rest.train_loss, rest.test_loss), rel=1e-9)
    assert answer.test_loss[0] == answer.train_loss[0] == pytest.approx(math.log(113), rel=1e-12)
    fitted = int(answer.steps[np.flatnonzero(answer.train_loss < 0.2)[0]])
    assert fitted < 50
    assert isinstance(answer.overtaken_at, int)
    assert answer.overtaken_at > 5 * fitted
    assert answer.test_loss.max() > math.log(113) + 1


@pytest.mark.parametrize("g_2", [0.0005, 0.005, 0.05])
def test_the_delay_is_that_of_exponential_growth(g_2: float) -> None:
    """It starts where the memorising circuit alone is at rest: 112 / (e^w + 112) = .005 4 (2 / 1.2) w^(2/3)."""
    at_rest = brentq(lambda w: 112 / (math.exp(w) + 112) - 0.005 * 4 / 0.6 * w ** (2 / 3), 1, 10)
    error = 112 / (math.exp(at_rest) + 112)
    predicted = math.log(4 / g_2**2) / (2 * error * 0.1)
    assert simulate(TwoCircuits(), start_G=(0.0, g_2), per_doubling=64).overtaken_at == pytest.approx(
        predicted, rel=0.05
    )


def test_without_a_slow_start_there_is_no_delay() -> None:
    path = simulate(TwoCircuits(), start_G=(0.0, 1.0))
    assert path.overtaken_at == 2  # the first step moves both alike, from the second on decay tells them apart
    assert path.test_loss.max() == path.test_loss[0]
    assert path.w_G[-1] == pytest.approx(fixed_point(TwoCircuits()).w_G, rel=1e-9)


def test_smaller_steps_follow_the_same_curve() -> None:
    coarse, fine = simulate(TwoCircuits()), simulate(TwoCircuits(), rate=0.01, n_steps=200_000)
    at = np.searchsorted(fine.steps, 10 * coarse.steps[coarse.steps > 30])
    near = np.interp(10 * coarse.steps[coarse.steps > 30], fine.steps, fine.w_G)
    assert at[-1] == len(fine.steps) - 1
    np.testing.assert_allclose(coarse.w_G[coarse.steps > 30], near, atol=0.15)  # of 7.2, where it rises fastest


def test_evaluations_ascend_and_include_both_ends() -> None:
    for n_steps in (1, 7, 9, 1000):
        steps = simulate(TwoCircuits(), n_steps=n_steps).steps
        assert (steps[0], steps[-1]) == (0, n_steps)
        assert (np.diff(steps) > 0).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kappa": 2.0}, r"kappa must lie in \(0, 2\), got 2.0"),
        ({"alpha": 0.0}, "alpha must be positive and finite, got 0.0"),
        ({"P_M": math.inf}, "P_M must be positive and finite"),
        ({"n_classes": 2}, "n_classes must be at least 3"),
        ({"convention": "alpha/3"}, "unknown convention of the penalty 'alpha/3'. Did you mean"),
    ],
)
def test_models_that_are_none_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TwoCircuits(**fields)


def test_a_descent_that_runs_away_says_so() -> None:
    with pytest.raises(ValueError, match="runs away at step"):
        simulate(TwoCircuits(alpha=5.0), rate=20.0)
    with pytest.raises(ValueError, match="must be positive, got 0"):
        simulate(TwoCircuits(), rate=0)
    with pytest.raises(ValueError, match="take a larger one"):
        fixed_point(TwoCircuits(alpha=1e-300, kappa=1.9999))

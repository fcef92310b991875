"""O-information of variables whose correlations are known."""

import itertools
import math

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.numerics.higher_order import Extremes, copula_correlations, extremes, o_information


def equal(rho: float, n: int = 3) -> np.ndarray:
    return np.full((n, n), rho) + (1 - rho) * np.eye(n)


@pytest.mark.parametrize(("rho", "value"), [(0.5, 0.0849), (-0.4, -0.2067), (0.0, 0.0)])
def test_of_three_equal_correlations(rho: float, value: float) -> None:
    """ln[(1 + 2 rho) / ((1 - rho) (1 + rho)^3)] / 2."""
    found = float(o_information(equal(rho)))
    assert found == pytest.approx(value, abs=5e-5)
    assert found == pytest.approx(math.log((1 + 2 * rho) / ((1 - rho) * (1 + rho) ** 3)) / 2, abs=1e-12)


def test_of_two_it_is_nothing_and_of_several_the_sum_of_the_definition() -> None:
    assert float(o_information(equal(0.7, 2))) == pytest.approx(0, abs=1e-12)
    rng = np.random.default_rng(0)
    r = np.asarray(np.corrcoef(rng.normal(size=(5, 40)) + rng.normal(size=40)))

    def entropy(kept: list[int]) -> float:  # of a normal vector of unit variances
        return 0.5 * math.log((2 * math.pi * math.e) ** len(kept) * np.linalg.det(r[np.ix_(kept, kept)]))

    every = list(range(5))
    literal = 3 * entropy(every) + sum(entropy([j]) - entropy([k for k in every if k != j]) for j in every)
    assert float(o_information(r)) == pytest.approx(literal, rel=1e-9)
    assert o_information(np.stack([r, equal(0.0, 5)])) == pytest.approx([literal, 0.0], abs=1e-9)


def test_a_sum_of_two_is_synergy_and_copies_are_redundancy() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 4_000))
    together = extremes(np.stack([a, b, a + b + 0.3 * rng.normal(size=4_000)], 1))
    alike = extremes(np.stack([a + 0.3 * rng.normal(size=4_000) for _ in range(3)], 1))
    assert isinstance(together, Extremes)
    assert isinstance(alike, Extremes)
    assert together.synergy < -0.3
    assert together.synergy == together.redundancy  # one subset of three
    assert alike.redundancy > 0.3


def test_extremes_are_over_all_subsets_and_a_monotone_change_of_a_variable_does_nothing() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, 5)) + rng.normal(size=(200, 1))
    found = extremes(x)
    r = copula_correlations(x)
    subsets = [list(s) for size in (3, 4, 5) for s in itertools.combinations(range(5), size)]
    values = [float(o_information(r[np.ix_(s, s)])) for s in subsets]
    assert found == pytest.approx((min(values), max(values)), rel=1e-12)
    assert extremes(np.column_stack([np.exp(x[:, 0]), x[:, 1:]])) == pytest.approx(found, rel=1e-12)


def test_bad_input() -> None:
    rng = np.random.default_rng(3)
    assert isinstance(extremes(rng.normal(size=(50, 2))), Missing)
    assert isinstance(extremes(np.column_stack([rng.normal(size=(50, 2)), np.ones((50, 3))])), Missing)
    assert isinstance(extremes(rng.normal(size=(7, 5))), Missing)
    with pytest.raises(ValueError, match="positive definite"):
        o_information(equal(-0.6))

"""Tails whose exponent is known, and random matrices with one entry that stands out."""

import math

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.numerics.power_law import PowerLaw, beyond_the_bulk, eigenvalues, power_law, shuffled


def test_the_worked_example() -> None:
    found = power_law([8, 1, 4, 2])
    assert isinstance(found, PowerLaw)
    assert (found.alpha, found.error) == (pytest.approx(1.9618, abs=5e-5), pytest.approx(0.4809, abs=5e-5))
    assert (found.xmin, found.n) == (1.0, 4)
    assert found.distance == pytest.approx(0.2366, abs=5e-5)


def test_another_unit_changes_nothing() -> None:
    one, seven = power_law([1, 2, 4, 8]), power_law([7, 14, 28, 56])
    assert isinstance(one, PowerLaw)
    assert isinstance(seven, PowerLaw)
    assert seven.alpha == pytest.approx(one.alpha, rel=1e-12)
    assert seven.xmin == 7.0


@pytest.mark.parametrize("alpha", [1.8, 2.5, 4.0])
def test_draws_of_a_power_law(alpha: float) -> None:
    """3 standard errors, for each of ten draws; xmin is found below a tenth of the values."""
    for seed in range(10):
        draws = 1 + np.random.default_rng(seed).pareto(alpha - 1, 2000)
        found = power_law(draws)
        assert isinstance(found, PowerLaw)
        assert abs(found.alpha - alpha) < 4 * found.error
        assert found.n > 200


def test_a_body_below_the_tail_is_left_out() -> None:
    rng = np.random.default_rng(0)
    found = power_law(np.concatenate([rng.uniform(0.01, 1, 3000), 1 + rng.pareto(1.5, 3000)]))
    assert isinstance(found, PowerLaw)
    assert found.alpha == pytest.approx(2.5, abs=0.2)
    assert 0.8 < found.xmin < 3


def test_equal_values_have_no_tail() -> None:
    assert isinstance(power_law([2.0, 2.0, 2.0]), Missing)
    assert isinstance(power_law([1e-9, 3.0], smallest=1e-5), Missing)
    with pytest.raises(ValueError, match="finite"):
        power_law([1.0, math.nan])


def test_eigenvalues_are_those_of_the_smaller_square() -> None:
    matrix = np.random.default_rng(0).normal(size=(7, 4))
    np.testing.assert_allclose(eigenvalues(matrix), np.linalg.eigvalsh(matrix.T @ matrix))


@pytest.mark.parametrize("shape", [(300, 100), (100, 300), (128, 128)])
def test_a_random_matrix_has_nothing_beyond_its_bulk(shape: tuple[int, int]) -> None:
    for seed in range(5):
        assert beyond_the_bulk(np.random.default_rng(seed).normal(size=shape)) == 0


def test_one_entry_beyond_the_threshold_is_counted() -> None:
    """theta > gamma^(1/4) puts (1 + theta^2)(gamma + theta^2) / theta^2 beside a bulk up to (1 + sqrt gamma)^2."""
    N, M = 600, 200
    for theta, many in ((0.3, 0), (3.0, 1)):
        matrix = np.random.default_rng(1).normal(size=(N, M))
        matrix[0, 0] = theta * N**0.5
        top = eigenvalues(matrix)[-1] / N
        if many:
            assert top == pytest.approx((1 + theta**2) * (M / N + theta**2) / theta**2, rel=0.1)
        assert beyond_the_bulk(matrix) == many
        assert beyond_the_bulk(shuffled(matrix)) == many


def test_a_spike_that_no_entry_carries_is_gone_when_entries_are_shuffled() -> None:
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(300, 150)) + 0.3 * np.outer(rng.choice([-1, 1], 300), rng.choice([-1, 1], 150))
    assert beyond_the_bulk(matrix) == 1
    assert beyond_the_bulk(shuffled(matrix)) == 0


def test_nothing_is_no_matrix() -> None:
    assert isinstance(beyond_the_bulk(np.zeros((4, 3))), Missing)
    assert isinstance(beyond_the_bulk(np.ones((1, 9))), Missing)

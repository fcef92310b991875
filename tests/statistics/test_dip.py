"""The dip: against linear programs, and against published percentage points."""

import numpy as np
import pytest
from scipy.optimize import linprog

from grokscope.errors import Missing
from grokscope.statistics.dip import dip, dip_test


def by_programs(values: np.ndarray) -> float:
    """The definition: for every mode the closest distribution function, convex before it and concave after it."""
    x, counts = np.unique(values, return_counts=True)
    shares = np.concatenate([[0], counts.cumsum()]) / len(values)
    return min(_closest(x, shares, mode) for mode in range(len(x)))


def _closest(x: np.ndarray, shares: np.ndarray, mode: int) -> float:
    # Unknown: G at each value, at the mode before (place `mode`) and after (`mode` + 1) its jump; and the distance.
    places = np.concatenate([x[: mode + 1], x[mode:]])
    size = len(places)
    rows, bounds = [], []

    def at_most(coefficients: dict[int, float], bound: float) -> None:
        row = np.zeros(size + 1)
        for place, value in coefficients.items():
            row[place] = value
        rows.append(row)
        bounds.append(bound)

    for place in range(size):
        i = place if place <= mode else place - 1
        highest, lowest = shares[i], shares[i + 1]
        if place == mode:
            lowest = shares[i]  # left of the jump only the left limit counts
        if place == mode + 1:
            highest = shares[i + 1]
        at_most({place: 1, size: -1}, highest)
        at_most({place: -1, size: -1}, -lowest)
        if place:
            at_most({place - 1: 1, place: -1}, 0)
    for a in range(size - 2):
        if a + 2 <= mode or a >= mode + 1:
            sign = 1 if a + 2 <= mode else -1  # slopes rise before the mode and fall after it
            one, two = 1 / (places[a + 1] - places[a]), 1 / (places[a + 2] - places[a + 1])
            at_most({a: -sign * one, a + 1: sign * (one + two), a + 2: -sign * two}, 0)
    solution = linprog([0] * size + [1], rows, bounds, bounds=[(0, 1)] * (size + 1))
    return float(solution.fun)


@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_distance_to_the_closest_unimodal_function(seed: int) -> None:
    rng = np.random.default_rng(seed)
    draws = [rng.random(9), rng.normal(size=12), np.concatenate([rng.normal(0, 0.3, 6), rng.normal(3, 0.3, 6)])]
    for values in draws:
        assert dip(values) == pytest.approx(by_programs(values), abs=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_equal_values_are_one_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, rng.integers(3, 8), 30).astype(float)
    assert dip(values) == pytest.approx(max(by_programs(values), 1 / 60), abs=1e-9)


def test_extremes() -> None:
    assert dip(np.arange(50)) == pytest.approx(0.01)
    assert dip([0] * 20 + [1] * 20) == pytest.approx(0.25)
    assert dip([3.0] * 7) == pytest.approx(1 / 14)


def test_it_depends_neither_on_scale_nor_on_order() -> None:
    values = np.random.default_rng(0).normal(size=60)
    assert dip(values) == pytest.approx(dip(-3 * values[::-1] + 7), abs=1e-12)


@pytest.mark.parametrize(("n", "median", "high"), [(10, 0.097782, 0.139611), (50, 0.048851, 0.070274)])
def test_published_percentage_points(n: int, median: float, high: float) -> None:
    """Half and 95 % of the dips of uniform samples, from 10^6 draws: M. Maechler's table qDiptab (R package diptest).

    Of our 2,000 draws a share of one half has a standard error of .0112, one of .95 of .0049.
    """
    rng = np.random.default_rng(1)
    drawn = np.array([dip(rng.random(n)) for _ in range(2000)])
    assert (drawn < median).mean() == pytest.approx(0.5, abs=4 * 0.0112)
    assert (drawn < high).mean() == pytest.approx(0.95, abs=4 * 0.0049)


def test_two_humps_are_found_and_one_is_not() -> None:
    rng = np.random.default_rng(2)
    two = dip_test(np.concatenate([rng.normal(0, 1, 60), rng.normal(6, 1, 60)]), draws=300)
    one = dip_test(rng.normal(size=120), draws=300)
    assert not isinstance(two, Missing)
    assert not isinstance(one, Missing)
    assert two[1] < 0.01
    assert one[1] > 0.1


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="finite"):
        dip([])
    with pytest.raises(ValueError, match="finite"):
        dip([1.0, np.nan])
    assert isinstance(dip_test([1, 2, 3]), Missing)

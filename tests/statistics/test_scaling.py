"""Planted exponents and crossings, and the coverage of their intervals."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from grokscope.errors import Missing
from grokscope.statistics.intervals import Effect, geometric_effect, student_effect
from grokscope.statistics.scaling import crossing, scaling

SIZES = np.array([50, 100, 200, 400, 800])
SEEDS = 6


def power(a: float, b: float, sizes: Any = SIZES, noise: float = 0.0, seed: int = 0) -> Any:
    """(size, seed): e^a n^b, each seed times a factor of its own, which does not change the exponent."""
    rng = np.random.default_rng(seed)
    own = np.exp(0.1 * rng.standard_normal(SEEDS))
    return np.exp(a) * np.asarray(sizes)[:, None] ** b * own * np.exp(noise * rng.standard_normal((len(sizes), SEEDS)))


def test_a_power_law_has_its_exponent() -> None:
    growth = scaling(SIZES, power(1.0, 0.4))
    assert isinstance(growth.exponent, Effect)
    assert (growth.exponent.value, growth.exponent.low, growth.exponent.high) == pytest.approx(
        (0.4, 0.4, 0.4), rel=1e-9
    )
    assert (growth.exponent.n, growth.n_networks, growth.n_left_out) == (SEEDS, 30, 0)


def test_networks_left_out_are_counted_and_bend_no_line() -> None:
    table = power(1.0, 0.4)
    table[0, :2] = np.nan
    table[1:, 0] = np.nan  # of this seed one size would be left, or none
    growth = scaling(SIZES, table)
    assert isinstance(growth.exponent, Effect)
    assert growth.exponent.value == pytest.approx(0.4, rel=1e-9)
    assert (growth.exponent.n, growth.n_networks, growth.n_left_out) == (SEEDS - 1, 24, 6)
    assert np.isnan(growth.lines[0]).all()
    nothing = scaling(SIZES, np.full((5, SEEDS), np.nan))
    assert nothing.exponent == Missing("no seed has values at two sizes")


def test_a_curve_meets_the_level_where_it_was_laid() -> None:
    rising, level = power(0.0, 0.5), np.sqrt(150) * np.exp([[-0.1, 0.1, 0, 0.2, -0.2], [0, 0, 0, 0, 0]])
    own = rising[0] / np.sqrt(50)  # of each seed: n_i = 150 / own^2
    crossed = crossing(SIZES, rising, level)
    assert crossed.by_seed == pytest.approx(150 / own**2, rel=1e-9)
    assert crossed.beyond == 0
    assert isinstance(crossed.size, Effect)
    assert crossed.size.value == pytest.approx(150 / np.exp(2 * np.log(own).mean()), rel=1e-9)
    parts = [np.var(2 * np.log(own), ddof=1) / SEEDS, np.var(np.array([-0.05, 0.05, 0, 0.1, -0.1]) / 0.5, ddof=1) / 5]
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (SEEDS - 1) + parts[1] ** 2 / 4)
    reach = np.exp(t.ppf(0.975, freedom) * np.sqrt(sum(parts)))
    assert (crossed.size.low, crossed.size.high) == pytest.approx(
        (crossed.size.value / reach, crossed.size.value * reach)
    )
    assert crossed.size.n == 5
    assert crossing(SIZES, rising, level * 10).beyond == SEEDS


def test_what_does_not_cross_is_said_and_not_dropped() -> None:
    rising, level = power(0.0, 0.5), np.full((2, 5), np.sqrt(150))
    level[:, 1], level[0, 2] = np.nan, np.nan  # the one seed has no level, the other that of its one network
    crossed = crossing(SIZES, rising, level)
    assert isinstance(crossed.size, Effect)
    assert (crossed.size.n, crossed.size.low) == (4, Missing("4 seeds; an interval needs 5"))
    rising[:, 0] = 1 / rising[:, 0]
    crossed = crossing(SIZES, rising, level)
    assert crossed.size == Missing(f"in 1 of {SEEDS} seeds the curve does not rise")
    assert np.isinf(crossed.by_seed[0])
    rising[1:, 0] = np.nan
    assert np.isnan(crossing(SIZES, rising, level).by_seed).tolist() == [True] + [False] * (SEEDS - 1)
    nothing = Missing("no seed has a line, or none a level")
    assert crossing(SIZES, rising, np.full((1, 5), np.nan)).size == nothing
    assert crossing(SIZES[:1], rising[:1], level).size == nothing


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """400 draws of six seeds: 95 % give or take four standard errors, 4.4 %."""
    held = np.zeros(2)
    for draw in range(400):
        rising = power(0.0, 0.5, noise=0.1, seed=draw)
        slope = scaling(SIZES, rising).exponent
        met = crossing(SIZES, rising, power(0.5 * np.log(150), 0.0, [480, 913], 0.1, draw + 1000)).size
        assert isinstance(slope, Effect)
        assert isinstance(met, Effect)
        held += [slope.low < 0.5 < slope.high, met.low < 150 < met.high]  # pyright: ignore[reportOperatorIssue]
    assert np.abs(held / 400 - 0.95).max() < 0.044


def test_student_and_geometric_means() -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0]
    effect = student_effect(values)
    reach = 2.7764451 * np.std(values, ddof=1) / np.sqrt(5)  # t of 4 degrees of freedom at 97.5 %, tabulated
    assert (effect.value, effect.low, effect.high) == pytest.approx((6.2, 6.2 - reach, 6.2 + reach), rel=1e-7)
    effect = geometric_effect(values)
    reach = np.exp(2.7764451 * np.std(np.log(values), ddof=1) / np.sqrt(5))
    assert (effect.value, effect.low, effect.high) == pytest.approx((4, 4 / reach, 4 * reach), rel=1e-7)
    few = geometric_effect(values[:4])
    assert few.low == few.high == Missing("4 seeds; an interval needs 5")
    with pytest.raises(ValueError, match="expected finite values, one a seed"):
        student_effect([])
    with pytest.raises(ValueError, match="expected finite values, one a seed"):
        geometric_effect([1.0, np.inf])


@pytest.mark.parametrize(
    ("sizes", "values", "message"),
    [
        ([1, 2], np.ones(2), r"expected \(size,\) and \(size, seed\), got the shapes \(2,\) and \(2,\)"),
        ([1, 2, 3], np.ones((2, 5)), r"got the shapes \(3,\) and \(2, 5\)"),
        ([1, 1], np.ones((2, 5)), r"sizes must be positive, finite and different, got \[1.0, 1.0\]"),
        ([0, 1], np.ones((2, 5)), "sizes must be positive"),
        ([1, 2], -np.ones((2, 5)), "values must be positive and finite, NaN where there is none"),
        ([1, 2], np.full((2, 5), np.inf), "values must be positive and finite"),
    ],
)
def test_bad_tables_are_refused(sizes: Any, values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scaling(sizes, values)

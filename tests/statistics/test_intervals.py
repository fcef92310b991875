"""Intervals over seeds: they cover, move with the data, and say when there are too few."""

import itertools

import numpy as np
import pytest
from scipy.stats import binom, binomtest, bootstrap, skew, t

from grokscope.errors import Missing
from grokscope.statistics.intervals import Effect, mean_effect, mean_ends, mean_intervals, share_intervals


def covers(effect: Effect, value: float) -> bool:
    assert not isinstance(effect.low, Missing)
    assert not isinstance(effect.high, Missing)
    return effect.low <= value <= effect.high


def test_it_is_equivariant_and_blind_to_order() -> None:
    values = np.random.default_rng(1).normal(size=10)
    one, other = mean_effect(values), mean_effect(3 * values + 7)
    assert covers(one, float(values.mean()))
    assert [other.value, other.low, other.high] == pytest.approx(
        [3 * x + 7 for x in (one.value, one.low, one.high)]  # pyright: ignore[reportOperatorIssue]
    )
    assert (one.low, one.high) == mean_intervals(values)(0.95)
    assert mean_effect(values[::-1]) == one


def test_few_and_equal_values() -> None:
    few = mean_effect([1.0, 2.0, 4.0])
    assert few.value == pytest.approx(7 / 3)
    assert few.n == 3
    assert few.low == few.high == Missing("3 seeds; an interval needs 5")
    assert mean_effect([2.0] * 6) == Effect(value=2.0, low=2.0, high=2.0, n=6)
    for bad in ([], [1.0, np.nan]):
        with pytest.raises(ValueError, match="expected finite values"):
            mean_effect(bad)


def test_intervals_by_level_are_the_wider_of_halls_and_students_and_hold_the_bootstraps() -> None:
    values = np.random.default_rng(3).exponential(size=9)
    low, high = mean_intervals(values)(0.95)
    mean, s = values.mean(), values.std(ddof=1)
    student = t.interval(0.95, 8, mean, s / 3)
    assert low == pytest.approx(student[0])
    assert high > student[1]  # skewed to the right: the mean may lie further up
    c, to_mean = skew(values), (mean - high) / s
    transformed = to_mean + c * to_mean**2 / 3 + c**2 * to_mean**3 / 27 + c / (6 * 9)
    assert transformed == pytest.approx(-t.isf(0.025, 8) / 3)
    resampled = bootstrap((values,), np.mean, method="BCa", rng=np.random.default_rng(0)).confidence_interval
    assert low <= resampled.low <= resampled.high <= high


def test_intervals_move_with_the_data() -> None:
    values = np.random.default_rng(6).exponential(size=(4, 7))
    low, high = mean_ends(values, 0.95)
    assert np.allclose(mean_ends(3 * values + 7, 0.95), (3 * low + 7, 3 * high + 7))
    assert np.allclose(mean_ends(-values, 0.95), (-high, -low))
    symmetric = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    assert np.allclose(mean_ends(symmetric, 0.95), t.interval(0.95, 4, 0, symmetric.std(ddof=1) / np.sqrt(5)))


def test_intervals_are_nested() -> None:
    family = mean_intervals(np.random.default_rng(4).lognormal(size=7))
    ends = [family(level) for level in (0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1 - 1e-7)]
    assert all(a[0] >= b[0] and a[1] <= b[1] for a, b in itertools.pairwise(ends))


def test_equal_values_are_bounded_by_what_bounds_them_and_by_nothing_else() -> None:
    assert mean_intervals([2.0] * 50)(0.5) == (-np.inf, np.inf)
    low, high = mean_intervals([1.0] * 10, bounds=(0.0, 1.0))(0.95)
    assert (low, high) == (pytest.approx(share_intervals(10, 10)(0.95)[0]), 1.0)  # the exact interval of 10 of 10
    low, high = mean_intervals([0.5] * 10, bounds=(0.0, 2.0))(0.95)
    q = 1 - 0.025**0.1
    assert (low, high) == (pytest.approx(0.5 - 0.5 * q), pytest.approx(0.5 + 1.5 * q))
    with pytest.raises(ValueError, match="said to lie in"):
        mean_intervals([1.0, 3.0], bounds=(0.0, 2.0))


def test_a_mean_that_is_nearly_always_the_same_is_covered() -> None:
    """A value that is 0 in one of 30 seeds: ten seeds are mostly all 1, and the interval must hold 29/30 too."""
    rng = np.random.default_rng(7)
    draws = (rng.random((4000, 10)) > 1 / 30).astype(float)
    covered = []
    for draw in draws:
        low, high = mean_intervals(draw, bounds=(0.0, 1.0))(0.95)
        covered.append(low <= 29 / 30 <= high)
    alike = draws.min(1) == 1
    assert np.mean(np.array(covered)[alike]) == 1
    assert alike.mean() > 0.6


@pytest.mark.parametrize("n", [5, 10, 20])
@pytest.mark.parametrize(
    ("kind", "mean"),
    [("normal", 0), ("uniform", 0.5), ("student", 0), ("lognormal", np.exp(0.125)), ("exponential", 1)],
)
def test_coverage_of_intervals_by_level(kind: str, mean: float, n: int) -> None:
    """20,000 draws, standard error .0016; .93 to .97 but for exponential seeds (.926) and heavy tails (.972), n = 5."""
    rng, size = np.random.default_rng(5), (20_000, n)
    samples = {
        "normal": lambda: rng.normal(size=size),
        "uniform": lambda: rng.random(size),
        "student": lambda: rng.standard_t(3, size=size),
        "lognormal": lambda: rng.lognormal(sigma=0.5, size=size),
        "exponential": lambda: rng.exponential(size=size),
    }[kind]()
    low, high = mean_ends(samples, 0.95)
    assert 0.92 <= np.mean((low <= mean) & (mean <= high)) <= 0.975


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_exact_intervals_of_shares_cover_at_least_what_they_say(share: float) -> None:
    """By the binomial law itself, without draws."""
    k = np.arange(11)
    inside = [low <= share <= high for low, high in (share_intervals(int(hits), 10)(0.95) for hits in k)]
    assert binom.pmf(k, 10, share)[inside].sum() >= 0.95


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (3, 7), (16, 17), (40, 100)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_exact_intervals_are_scipys(k: int, n: int, level: float) -> None:
    expected = binomtest(k, n).proportion_ci(confidence_level=level, method="exact")
    assert share_intervals(k, n)(level) == pytest.approx((expected.low, expected.high), abs=1e-9)

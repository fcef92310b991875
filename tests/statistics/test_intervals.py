"""Intervals over seeds: they cover, move with the data, and say when there are too few."""

import itertools

import numpy as np
import pytest
from scipy.stats import binom, t

from grokscope.errors import Missing
from grokscope.statistics.intervals import Effect, mean_effect, mean_intervals, share_intervals


def covers(effect: Effect, value: float) -> bool:
    assert not isinstance(effect.low, Missing)
    assert not isinstance(effect.high, Missing)
    return effect.low <= value <= effect.high


def test_it_covers_the_mean_of_skewed_samples() -> None:
    rng = np.random.default_rng(0)
    samples = rng.gamma(2.0, size=(100, 20))
    covered = sum(covers(mean_effect(sample), 2.0) for sample in samples)
    assert 85 <= covered <= 99


def test_it_is_equivariant_and_blind_to_order() -> None:
    values = np.random.default_rng(1).normal(size=10)
    one, other = mean_effect(values), mean_effect(3 * values + 7)
    assert covers(one, float(values.mean()))
    assert [other.value, other.low, other.high] == pytest.approx(
        [3 * x + 7 for x in (one.value, one.low, one.high)],
        abs=0.01,  # pyright: ignore[reportOperatorIssue]
    )
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


def test_intervals_by_level_are_the_wider_of_the_bootstraps_and_students() -> None:
    values = np.random.default_rng(3).exponential(size=9)
    low, high = mean_intervals(values)(0.95)
    effect = mean_effect(values)
    student = t.interval(0.95, 8, values.mean(), values.std(ddof=1) / 3)
    assert low == pytest.approx(min(float(effect.low), student[0]), abs=1e-6)  # pyright: ignore[reportArgumentType]
    assert high == pytest.approx(max(float(effect.high), student[1]), abs=1e-6)  # pyright: ignore[reportArgumentType]


def test_intervals_are_nested() -> None:
    family = mean_intervals(np.random.default_rng(4).lognormal(size=7))
    ends = [family(level) for level in (0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1 - 1e-7)]
    assert all(a[0] >= b[0] and a[1] <= b[1] for a, b in itertools.pairwise(ends))


def test_equal_values_say_nothing_of_their_spread() -> None:
    """Smallest to largest of n holds a distribution's median with probability 1 - 2^(1 - n)."""
    assert mean_intervals([2.0] * 5)(0.9) == (2.0, 2.0)
    assert mean_intervals([2.0] * 5)(0.95) == (-np.inf, np.inf)
    assert mean_intervals([2.0] * 6)(0.95) == (2.0, 2.0)


@pytest.mark.parametrize(("n", "kind"), [(5, "normal"), (10, "normal"), (10, "uniform")])
def test_coverage_of_intervals_by_level(n: int, kind: str) -> None:
    """1,500 draws, standard error .0056."""
    rng = np.random.default_rng(5)
    draw = {"normal": lambda: rng.normal(size=n), "uniform": lambda: rng.random(n) - 0.5}[kind]
    covered = np.mean([low <= 0 <= high for low, high in (mean_intervals(draw())(0.95) for _ in range(1500))])
    assert covered == pytest.approx(0.95, abs=0.02 + 0.0056)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_exact_intervals_of_shares_cover_at_least_what_they_say(share: float) -> None:
    """By the binomial law itself, no draws."""
    k = np.arange(11)
    inside = [low <= share <= high for low, high in (share_intervals(int(hits), 10)(0.95) for hits in k)]
    assert binom.pmf(k, 10, share)[inside].sum() >= 0.95

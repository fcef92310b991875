"""Intervals over seeds: they cover, move with the data, and say when there are too few."""

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.statistics.intervals import Effect, mean_effect


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
        [3 * x + 7 for x in (one.value, one.low, one.high)], abs=0.01
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

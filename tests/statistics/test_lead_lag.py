"""Which of two series changes first."""

import math

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.statistics.lead_lag import Lag, lag, lead

STEPS = np.unique(np.geomspace(10, 10_000, 200).round()).astype(int)


def rise(at: float, seed: int = 0, noise: float = 0.0) -> np.ndarray:
    """A curve that goes from 0 to 1 around a step, on a logarithmic axis."""
    clean = 1 / (1 + (at / STEPS) ** 6)
    return clean + noise * np.random.default_rng(seed).normal(size=len(STEPS))


def found(one: np.ndarray, other: np.ndarray) -> Lag:
    answer = lag((STEPS, one), (STEPS, other))
    assert isinstance(answer, Lag)
    return answer


def test_a_copy_that_comes_later_lags_by_its_shift() -> None:
    """Steps lie 3.5 % apart and a level is dated to one of them, so a lag to two."""
    answer = found(rise(300), rise(900))
    for value in (answer.value, answer.low, answer.high):
        assert value == pytest.approx(math.log(3), abs=0.071)
    assert answer.steps == pytest.approx((300, 900), rel=0.04)  # the next step of the grid
    assert found(rise(900), rise(300)).value == pytest.approx(-math.log(3), abs=0.071)


def test_neither_direction_nor_scale_matters() -> None:
    assert found(rise(300), 7 - 5 * rise(900)) == found(rise(300), rise(900))


def test_curves_that_cross_have_no_sure_sign() -> None:
    steep, slow = 1 / (1 + (500 / STEPS) ** 20), 1 / (1 + (500 / STEPS) ** 1.2)
    answer = found(steep, slow)
    assert answer.low < 0 < answer.high


def test_a_series_without_a_change_has_no_lag() -> None:
    flat = 0.01 * np.random.default_rng(0).normal(size=len(STEPS))
    assert isinstance(lag((STEPS, flat), (STEPS, rise(300))), Missing)


def test_over_seeds_the_mean_lag_has_an_interval() -> None:
    lags = [lag((STEPS, rise(300, s, 0.02)), (STEPS, rise(600, 50 + s, 0.02))) for s in range(8)]
    answer = lead([*lags, Missing("no change")])
    assert not isinstance(answer, Missing)
    assert not isinstance(answer.low, Missing)
    assert not isinstance(answer.high, Missing)
    assert 0 < answer.low <= math.log(2) + 0.05
    assert answer.high >= math.log(2) - 0.05
    assert (answer.first.k, answer.first.n, answer.surely, answer.missing) == (8, 8, (8, 0), 1)


def test_series_that_change_independently_seldom_have_a_lead() -> None:
    """Both steps drawn from one law: the interval excludes 0 in 5 % of 300 arms, standard error 1.3 %."""
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(300):
        drawn = [Lag(value=v, low=v, high=v, steps=(1, 1)) for v in rng.normal(size=8) - rng.normal(size=8)]
        answer = lead(drawn)
        assert not isinstance(answer, Missing)
        assert not isinstance(answer.low, Missing)
        assert not isinstance(answer.high, Missing)
        wrong += not answer.low <= 0 <= answer.high
    assert wrong / 300 <= 0.05 + 4 * 0.013


def test_few_seeds_and_none() -> None:
    one = Lag(value=1.0, low=0.5, high=2.0, steps=(10, 27))
    few = lead([one] * 4)
    assert not isinstance(few, Missing)
    assert isinstance(few.low, Missing)
    assert isinstance(lead([Missing("none")]), Missing)

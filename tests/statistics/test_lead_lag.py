"""Which of two series changes first."""

import math
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.statistics.lead_lag import Lag, lag, lead

STEPS = np.unique(np.geomspace(10, 10_000, 200).round()).astype(int)


def rise(at: float, seed: int = 0, noise: float = 0.0) -> np.ndarray:
    """A curve that goes from 0 to 1 around a step, on a logarithmic axis."""
    clean = 1 / (1 + (at / STEPS) ** 6)
    return clean + noise * np.random.default_rng(seed).normal(size=len(STEPS))


def lag_of(one: np.ndarray, other: np.ndarray) -> Lag:
    answer = lag((STEPS, one), (STEPS, other))
    assert isinstance(answer, Lag)
    return answer


def test_a_copy_that_comes_later_lags_by_its_shift() -> None:
    """Steps lie 3.5 % apart and a level is dated to one of them, so a lag to two."""
    answer = lag_of(rise(300), rise(900))
    for value in (answer.value, answer.low, answer.high):
        assert value == pytest.approx(math.log(3), abs=0.071)
    assert answer.steps == pytest.approx((300, 900), rel=0.04)  # the next step of the grid
    assert lag_of(rise(900), rise(300)).value == pytest.approx(-math.log(3), abs=0.071)


def test_neither_direction_nor_scale_matters() -> None:
    assert lag_of(rise(300), 7 - 5 * rise(900)) == lag_of(rise(300), rise(900))


def test_curves_that_cross_have_no_sure_sign() -> None:
    steep, slow = 1 / (1 + (500 / STEPS) ** 20), 1 / (1 + (500 / STEPS) ** 4)
    answer = lag_of(steep, slow)
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


# Two sigmoids with one middle, of unequal widths, to the end of training


def sigmoid(steps: np.ndarray, scale: str, width: float) -> np.ndarray:
    """Of ln step or of the step, its middle at step 1000; width in units of that."""
    place = np.log(steps / 1000) / width if scale == "ln" else (steps - 1000) / (1000 * width)
    return 1 / (1 + np.exp(-place))


def arm(
    scale: str, spacing: str, *, ratio: float, cut: float, wide: float, noise: float, seeds: int, rng: Any
) -> list[Lag | Missing]:
    """Lags of a series of width `wide` behind one `ratio` times as narrow; training ends `cut` widths later."""
    end = 1000 * math.exp(cut * wide) if scale == "ln" else 1000 * (1 + cut * wide)
    grid = np.geomspace(10, end, 200) if spacing == "log" else np.linspace(1, end, 200)
    steps = np.unique(grid.round())
    curves = [sigmoid(steps, scale, wide / ratio), sigmoid(steps, scale, wide)]
    return [
        lag(*((steps, curve + noise * rng.normal(size=len(steps))) for curve in curves), draws=0) for _ in range(seeds)
    ]


def coverage(arms: int, *, cut: float, **options: Any) -> tuple[int, int, float]:
    """Arms whose interval contains 0, arms that have one, and the share of runs without an answer."""
    rng = np.random.default_rng(0)
    covered, known, missing = 0, 0, 0
    for _ in range(arms):
        lags = arm(**options, cut=cut, seeds=8, rng=rng)
        missing += sum(isinstance(one, Missing) for one in lags)
        answer = lead(lags)
        if isinstance(answer, Missing) or isinstance(answer.low, Missing) or isinstance(answer.high, Missing):
            continue
        known += 1
        covered += answer.low <= 0 <= answer.high
    return covered, known, missing / (8 * arms)


KINDS = [("ln", "log", 0.3), ("ln", "linear", 0.15), ("step", "log", 0.12), ("step", "linear", 0.12)]


@pytest.mark.parametrize(("scale", "spacing", "wide"), KINDS)
@pytest.mark.parametrize("ratio", [1, 2, 4])
def test_a_series_cut_before_it_rests_has_no_lag(scale: str, spacing: str, wide: float, ratio: float) -> None:
    """Cut one to three widths after the middle. Without the rule of plateaus, .15 to .45 of arms covered 0."""
    for cut in (1, 2, 3):
        for noise in (0.002, 0.02, 0.05):
            covered, known, missing = coverage(
                1, scale=scale, spacing=spacing, wide=wide, ratio=ratio, cut=cut, noise=noise
            )
            assert missing >= 7 / 8
            assert covered == known == 0


@pytest.mark.parametrize(("scale", "spacing", "wide"), KINDS)
def test_between_plateaus_the_lag_of_one_middle_is_nought(scale: str, spacing: str, wide: float) -> None:
    """Coverage at least .93 in 75 arms, four standard errors below; and there are answers."""
    total = {"covered": 0, "known": 0}
    for ratio in (1, 2, 4):
        covered, known, missing = coverage(25, scale=scale, spacing=spacing, wide=wide, ratio=ratio, cut=12, noise=0.02)
        assert missing <= 0.2
        total["covered"] += covered
        total["known"] += known
    assert total["known"] >= 70
    assert total["covered"] / total["known"] >= 0.93 - 4 * math.sqrt(0.93 * 0.07 / total["known"])


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.005, 0.02, 0.05])
@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5, 6, 8, 12])
@pytest.mark.parametrize("ratio", [1, 2, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_nought_is_covered_wherever_training_ends(
    kind: tuple[str, str, float], ratio: float, cut: float, noise: float
) -> None:
    scale, spacing, wide = kind
    covered, known, missing = coverage(100, scale=scale, spacing=spacing, wide=wide, ratio=ratio, cut=cut, noise=noise)
    print(f"{scale}\t{spacing}\t1:{ratio}\t{cut}\t{noise}\t{covered}/{known}\t{missing:.3f}")
    if cut <= 3:
        assert known == 0
    assert covered >= known * 0.93 - 4 * math.sqrt(known * 0.93 * 0.07)


def test_the_interval_of_one_run_holds_the_lag() -> None:
    """By resampling: nominal 95 %, 40 runs, four standard errors of .93."""
    steps, rng = np.unique(np.geomspace(10, 50_000, 150).round()), np.random.default_rng(1)
    held, known = 0, 0
    for _ in range(40):
        curves = [sigmoid(steps, "ln", 0.1), sigmoid(steps / 1.3, "ln", 0.3)]
        noisy = [(steps, curve + 0.03 * rng.normal(size=len(steps))) for curve in curves]
        answer = lag(*noisy, shares=(0.5,), draws=100)
        if isinstance(answer, Lag):
            known += 1
            held += answer.low <= math.log(1.3) <= answer.high
    assert known >= 30
    assert held / known >= 0.93 - 4 * math.sqrt(0.93 * 0.07 / known)


def test_missing_says_which_series_does_not_rest() -> None:
    cut = STEPS <= 1200
    answer = lag((STEPS[cut], rise(300)[cut]), (STEPS[cut], rise(900)[cut]))
    assert isinstance(answer, Missing)
    assert "the second of the two series: it does not come to rest at its last level" in answer.reason
    late = STEPS >= 250
    answer = lag((STEPS[late], rise(300)[late]), (STEPS[late], rise(900)[late]))
    assert isinstance(answer, Missing)
    assert "the first of the two series: it does not come to rest at its first level" in answer.reason


def test_spikes_move_no_lag() -> None:
    spiked = rise(300)
    spiked[[30, 31, 150]] = 40.0
    assert lag_of(spiked, rise(900)).value == pytest.approx(math.log(3), abs=0.071)

"""Contrasts on series whose course is known, and on noise, which has none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.statistics.contrasts import LowHighMid, half_change, low_high_mid, share

STEPS = np.arange(0, 5001, 25)
T_MEM, T_GEN = 200, 4000


def course(low: float, high: float, mid: float) -> np.ndarray:
    """low until step 1000, up in a line to high at step 3000, kept until t_gen, then mid."""
    return np.where(STEPS < T_GEN, np.interp(STEPS, [1000, 3000], [low, high]), mid)


def noisy(values: np.ndarray, seed: int = 0, size: float = 0.01) -> np.ndarray:
    return values + size * np.random.default_rng(seed).normal(size=len(values))


def contrast(values: Any, steps: Any = STEPS, **options: Any) -> LowHighMid:
    levels = low_high_mid(steps, values, **({"memorized_at": T_MEM, "generalized_at": T_GEN} | options))
    assert isinstance(levels, LowHighMid), levels
    return levels


def test_low_high_mid_is_found_with_its_levels_and_steps() -> None:
    levels = contrast(course(0.2, 0.8, 0.5))
    assert (levels.low, levels.high, levels.mid) == pytest.approx((0.2, 0.8, 0.5), abs=1e-9)
    assert (levels.high - levels.low, levels.high - levels.mid) == pytest.approx((0.6, 0.3), abs=1e-9)
    assert (levels.signs, levels.supports, levels.reversed) == ((1, 1, 1), True, False)
    assert levels.half_rise_at == 2000
    assert 3000 <= levels.high_at < T_GEN
    rough = contrast(noisy(course(0.2, 0.8, 0.5)))
    assert rough.supports
    assert abs((rough.half_rise_at or 0) - 2000) <= 50
    assert rough.noise == pytest.approx(0.01 * 0.536, rel=0.4)  # a median of five has 0.536 of one value's deviation


@pytest.mark.parametrize(
    ("levels", "signs"),
    [
        ((0.2, 0.8, 0.9), (1, -1, 1)),
        ((0.5, 0.8, 0.2), (1, 1, -1)),
        ((0.8, 0.5, 0.2), (-1, 1, -1)),
        ((0.8, 0.2, 0.5), (-1, -1, -1)),
        ((0.5, 0.5, 0.5), (0, 0, 0)),
        ((0.5, 0.5, 0.8), (0, -1, 1)),
    ],
)
def test_other_courses_have_other_signs(levels: tuple[float, float, float], signs: tuple[int, int, int]) -> None:
    low, high, mid = levels
    values = course(*levels)
    if high < low:  # it falls right after memorisation
        values = np.where(STEPS < 300, low, np.where(STEPS < T_GEN, high, mid))
    for series in (values, noisy(values)):
        answer = contrast(series)
        assert answer.signs == signs
        assert answer.reversed is (-1 in signs)
        assert (answer.half_rise_at is None) == (signs[0] != 1)


def test_flat_noise_is_not_low_high_mid_though_literally_half_of_it_is() -> None:
    answer, literal = [], 0
    for seed in range(200):
        values = noisy(np.full(len(STEPS), 0.5), seed)
        answer.append(contrast(values))
        before = values[(STEPS >= T_MEM) & (STEPS < T_GEN)]
        literal += before[0] < values[STEPS >= T_GEN].mean() < before.max()
    assert literal > 70
    assert sum(seed.supports for seed in answer) <= 1
    assert sum(seed.reversed for seed in answer) <= 20
    signs = np.array([seed.signs for seed in answer])
    assert (np.abs(signs).mean(0) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)).all()


def test_a_short_spike_is_no_high() -> None:
    values = np.full(len(STEPS), 0.5)
    values[(STEPS >= 2000) & (STEPS < 2050)] = 0.95
    assert (contrast(values).high, contrast(values).signs) == (0.5, (0, 0, 0))
    assert contrast(noisy(values)).high < 0.53
    assert contrast(values, window=3).supports is contrast(values, window=1).supports is False
    values[STEPS == 2050] = 0.95
    assert contrast(values).signs == (1, 1, 0)


def test_unit_zero_and_order_of_evaluations() -> None:
    values = noisy(course(0.2, 0.8, 0.5))
    expected = contrast(values)
    scaled = contrast(7 * values - 3)
    assert (scaled.signs, scaled.half_rise_at, scaled.high_at) == (
        expected.signs, expected.half_rise_at, expected.high_at
    )  # fmt: skip
    levels = [(answer.low, answer.high, answer.mid) for answer in (scaled, expected)]
    np.testing.assert_allclose(np.diff(levels[0]), 7 * np.diff(levels[1]), atol=1e-9)
    gaps = values.copy()
    gaps[::7] = np.nan
    kept = np.isfinite(gaps)
    assert contrast(gaps) == contrast(gaps[kept], STEPS[kept])
    later = low_high_mid(10 * STEPS, values, memorized_at=10 * T_MEM, generalized_at=10 * T_GEN)
    assert isinstance(later, LowHighMid)
    assert later.half_rise_at == 10 * (expected.half_rise_at or 0)


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ({"memorized_at": None}, "no time between memorisation"),
        ({"generalized_at": None}, "no time between"),
        ({"generalized_at": T_MEM}, "no time between"),
        ({"generalized_at": T_MEM + 225}, "9 evaluations between memorisation and generalisation, needs 10"),
        ({"generalized_at": 4901}, "4 evaluations after generalisation, needs 5"),
    ],
)
def test_without_evaluations_there_is_no_answer(times: dict[str, Any], reason: str) -> None:
    options = {"memorized_at": T_MEM, "generalized_at": T_GEN} | times
    levels = low_high_mid(STEPS, course(0.2, 0.8, 0.5), **options)
    assert isinstance(levels, Missing)
    assert reason in levels.reason


def test_the_evaluation_at_t_gen_comes_after() -> None:
    at = int(STEPS[-5])  # five evaluations from here on, as many as a window
    assert isinstance(low_high_mid(STEPS, course(0.2, 0.8, 0.5), memorized_at=T_MEM, generalized_at=at), LowHighMid)


@pytest.mark.parametrize("sign", [1, -1])
def test_half_of_a_change_is_made_at_its_middle(sign: int) -> None:
    jump = sign * (STEPS >= 1500).astype(float)
    assert half_change(STEPS, jump) == half_change(STEPS, 100 * jump - 7) == 1500
    ramp = sign * np.interp(STEPS, [1000, 3000], [0.0, 1.0])
    assert half_change(STEPS, ramp) == 2000
    step = half_change(STEPS, noisy(ramp, size=0.05))
    assert isinstance(step, int)
    assert abs(step - 2000) <= 150
    spiked = jump.copy()
    spiked[[20, 21]] = 5 * sign
    assert half_change(STEPS, spiked) == 1500
    logarithmic = np.unique(np.round(np.geomspace(1, 5000, 40)).astype(int))
    later = half_change(logarithmic, 1 / (1 + np.exp(-sign * (logarithmic - 1500) / 100)))
    assert later == logarithmic[logarithmic >= 1500][0]


def test_without_a_change_beyond_noise_no_half_is_made() -> None:
    answers = [half_change(STEPS, noisy(np.full(len(STEPS), 0.5), seed)) for seed in range(200)]
    assert np.mean([not isinstance(answer, Missing) for answer in answers]) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)
    assert isinstance(half_change(STEPS, np.full(len(STEPS), 0.3)), Missing)
    rounding = np.where(STEPS < 2500, 1.0, 1.0 + 2e-7)  # two of float32's
    assert isinstance(half_change(STEPS, rounding), Missing)
    short = half_change(STEPS[:14], np.arange(14.0))
    assert short == Missing("14 evaluations; 15 are needed to tell a change from fluctuation")
    assert half_change(STEPS[:15], np.arange(15.0)) == 7 * 25
    assert half_change(STEPS[:3], np.arange(3.0), window=1) == 25


def test_a_share_has_the_exact_interval() -> None:
    """Closed forms at 0 and n, and Clopper and Pearson's for 8 of 10: 0.4439 to 0.9748."""
    assert share(0, 10).high == pytest.approx(1 - 0.025**0.1, abs=1e-9)
    assert share(10, 10).low == pytest.approx(0.025**0.1, abs=1e-9)
    rate = share(8, 10)
    assert (rate.value, rate.low, rate.high) == pytest.approx((0.8, 0.4439, 0.9748), abs=5e-5)
    assert share(8, 10, level=0.5).low > rate.low


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: contrast(STEPS, window=4), "window must be an odd number of evaluations, got 4"),
        (lambda: contrast(STEPS, window=-1), "window"),
        (lambda: contrast(STEPS[1:]), r"steps of shape \(201,\) and values of \(200,\)"),
        (lambda: contrast(STEPS, STEPS[::-1]), "strictly increasing"),
        (lambda: contrast(STEPS, level=95), "level must lie between 0 and 1, got 95"),
        (lambda: half_change(STEPS, STEPS, level=0), "level"),
        (lambda: half_change(STEPS[None], STEPS[None]), "expected one value a step"),
        (lambda: share(3, 2), "0 <= k <= n and n > 0, got 3 of 2"),
        (lambda: share(0, 0), "got 0 of 0"),
    ],
)
def test_bad_arguments_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()

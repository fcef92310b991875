"""Intervals in regions, and the level at which they still lie inside."""

import math

import pytest
from scipy.stats import beta, norm

from grokscope.statistics.intervals import share_intervals
from grokscope.statistics.regions import NOWHERE, Region, above, below, outside, p_inside, within


def normal(mean: float, error: float):
    return lambda level: (
        mean - error * float(norm.isf((1 - level) / 2)),
        mean + error * float(norm.isf((1 - level) / 2)),
    )


def test_the_p_value_of_a_half_line_is_the_two_sided_one() -> None:
    assert p_inside(normal(2.0, 1.0), above(0)) == pytest.approx(2 * norm.sf(2.0), rel=1e-6)
    assert p_inside(normal(-1.5, 0.5), below(0)) == pytest.approx(2 * norm.sf(3.0), rel=1e-6)


def test_of_a_stretch_the_nearer_end_decides() -> None:
    assert p_inside(normal(1.0, 1.0), within(-1, 4)) == pytest.approx(2 * norm.sf(2.0), rel=1e-6)


def test_an_effect_outside_has_one_and_a_sure_one_the_smallest() -> None:
    assert p_inside(normal(-1.0, 0.1), above(0)) == 1
    assert p_inside(normal(100.0, 0.1), above(0)) == 1e-8
    assert p_inside(normal(0.0, 0.1), NOWHERE) == 1


def test_a_share_needs_seventeen_of_seventeen_for_at_least_four_fifths() -> None:
    assert p_inside(share_intervals(16, 16), above(0.8)) > 0.05
    assert p_inside(share_intervals(17, 17), above(0.8)) == pytest.approx(2 * 0.8**17, rel=1e-6)


def test_share_intervals_are_clopper_and_pearsons() -> None:
    assert share_intervals(3, 10)(0.95) == pytest.approx((beta.ppf(0.025, 3, 8), beta.isf(0.025, 4, 7)))
    assert share_intervals(0, 5)(0.95)[0] == 0
    assert share_intervals(5, 5)(0.95)[1] == 1
    with pytest.raises(ValueError, match="0 <= k <= n"):
        share_intervals(6, 5)


def test_a_region_contains_what_lies_in_one_of_its_stretches() -> None:
    assert not NOWHERE.contains(0, 0)
    assert outside(-1, 1).contains(2, 3)
    assert not outside(-1, 1).contains(-2, 3)
    assert Region(((0, 1),)).contains(0, 1)
    assert not above(0).contains(-math.inf, 1)

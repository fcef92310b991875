"""When a run arrives for good, on curves whose answer is counted by hand."""

import numpy as np
import pytest

from grokscope.statistics.sustained import SPAN, arrival

STEPS = np.arange(0, 2001, 50)


def curve(*stretches: tuple[int, int, float]) -> np.ndarray:
    """0.1, and between two steps (the second left out) another accuracy."""
    values = np.full(len(STEPS), 0.1)
    for start, end, value in stretches:
        values[(start <= STEPS) & (end > STEPS)] = value
    return values


def test_a_peak_is_no_arrival() -> None:
    found = arrival(STEPS, curve((300, 500, 1.0), (900, 2001, 0.97)))
    assert (found.first, found.t_gen) == (300, 900)
    assert (found.below, found.collapse, found.stay, found.final) == (0.0, None, 1100, 0.97)
    first = arrival(STEPS, curve((300, 500, 1.0), (900, 2001, 0.97)), stays=False)
    assert (first.t_gen, first.collapse, first.stay) == (300, 500, 1100)
    assert arrival(STEPS, curve(), stays=False).t_gen is None


def test_it_must_stay_for_the_span_and_be_seen_to_stay() -> None:
    assert arrival(STEPS, curve((1000, 1500, 1.0))).t_gen is None  # 1000 to 1450: 500 steps are not over
    assert arrival(STEPS, curve((1000, 1501, 1.0))).t_gen == 1000  # 1500 is the last that has to hold
    assert arrival(STEPS, curve((1500, 2001, 1.0))).t_gen == 1500
    assert arrival(STEPS, curve((1550, 2001, 1.0))).t_gen is None  # the budget ends before


def test_five_evaluations_are_needed_where_they_are_far_apart() -> None:
    steps = np.arange(0, 4001, 400)
    four, five = np.zeros(11), np.zeros(11)
    four[3:7], five[3:8] = 1.0, 1.0
    assert arrival(steps, four).t_gen is None
    assert arrival(steps, five).t_gen == 1200


def test_what_follows_is_told() -> None:
    found = arrival(STEPS, curve((500, 2001, 1.0), (1200, 1300, 0.4), (1900, 1950, 0.9)))
    assert (found.t_gen, found.collapse, found.lowest, found.final) == (500, 1200, 0.4, 1.0)
    assert found.below == pytest.approx(3 / 31)  # of the evaluations from 500 to 2000
    assert found.stay == 650  # from 500 to 1150: longer than 1300 to 1850


def test_values_that_are_none_are_left_out_and_float32_is_enough() -> None:
    values = curve((500, 2001, 0.95)).astype(np.float32)
    values[14] = np.nan
    assert arrival(STEPS, values).t_gen == 500
    nothing = arrival([], [])
    assert (nothing.first, nothing.t_gen, nothing.final) == (None, None, None)
    with pytest.raises(ValueError, match="one accuracy a step"):
        arrival([0, 1], [0.5])
    assert SPAN == 500

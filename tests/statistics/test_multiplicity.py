"""Holm's procedure: by hand, and by simulation."""

import numpy as np
import pytest
from scipy.special import ndtr

from grokscope.statistics.multiplicity import holm, holm_levels


def test_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5]) == [0.5]
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_levels_are_those_that_the_adjusted_values_are_held_to() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm_levels(p) == pytest.approx([0.05 / 3, 0.05, 0.025, 0.0125])


def test_all_together_are_wrong_in_at_most_a_share_of_draws() -> None:
    """Ten tests, eight of them without an effect, dependent ones: 4,000 draws, standard error .0034."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(4000):
        common = rng.normal()
        z = 0.5 * common + np.sqrt(0.75) * rng.normal(size=10) + np.r_[4.0, 4.0, np.zeros(8)]
        adjusted = holm((2 * ndtr(-np.abs(z))).tolist())
        wrong += min(adjusted[2:]) <= 0.05
    assert wrong / 4000 <= 0.05 + 4 * 0.0034


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        holm([0.1, 1.5])

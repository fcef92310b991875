"""Evaluation by evaluation, the phases are those of the whole curves."""

import numpy as np
import pytest
from hypothesis import given

from grokscope.statistics.transitions import phases
from grokscope.statistics.unfolding import Unfolding
from tests.statistics.test_transitions import grokking, wild_curves


def whole(steps, curves, so_far):
    """`phases` of the first evaluations, from the curves that have a value there."""
    known = {name: series[:so_far] for name, series in curves.items()}
    known = {name: series for name, series in known.items() if not np.isnan(series).all()}
    return phases(steps[:so_far], **(known or {"train_loss": np.full(so_far, np.nan)}))


def require_equal(steps, curves):
    unfolding = Unfolding()
    for place, step in enumerate(steps):
        unfolding.add(int(step), {name: float(series[place]) for name, series in curves.items()})
        expected, got = whole(steps, curves, place + 1), unfolding.phases()
        assert got == expected
        assert got.notes == expected.notes  # not part of the comparison above


@given(wild_curves())
def test_they_are_equal_after_each_evaluation_of_anything(case):
    require_equal(*case)


@pytest.mark.parametrize("late", [0, 1, 2, 5])
def test_they_are_equal_where_the_onset_lies_between_spikes(late):
    steps = np.arange(0, 4000, 40)
    curves = grokking(steps, memorize=200.0, peak=900.0, generalize=2500.0)
    rng = np.random.default_rng(late)
    spikes = rng.choice(len(steps), 12, replace=False)
    curves["test_loss"][spikes] = 200.0
    arrived = int(np.argmax(curves["test_accuracy"] >= 0.95))
    curves["test_loss"][arrived : arrived + late] = np.nan  # the losses come later than the accuracies
    curves["test_accuracy"][70:90:4] = 0.2
    curves["train_accuracy"][80:] = 0.3
    require_equal(steps, curves)
    assert phases(steps, **curves).onset_at is not None


def test_what_is_lost_may_come_back_and_be_lost_again():
    accuracy = np.array([0, 1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 1], dtype=float)
    steps = np.arange(len(accuracy)) * 10
    require_equal(steps, {"train_accuracy": accuracy, "test_accuracy": accuracy})
    require_equal(steps, {"train_loss": 4 * (1 - accuracy), "test_loss": 4 * (1 - accuracy)})


def test_a_spike_at_the_end_of_the_window_is_known_by_the_losses_after_it():
    steps = np.arange(16)
    loss = np.array([2, 9, 30, 3, 5, 90, 30, 90, 3, 9, 90, np.nan, np.nan, 9, 9, 3])
    curves = {"train_accuracy": np.ones(16), "test_accuracy": (steps >= 10).astype(float), "test_loss": loss}
    require_equal(steps, curves)
    assert whole(steps, curves, 13).onset_at != whole(steps, curves, 16).onset_at

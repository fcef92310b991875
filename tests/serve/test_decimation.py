"""Fewer points, the same picture: each column of pixels keeps its first, least, largest and last value."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokscope.serve.decimation import PER_PIXEL, decimated

VALUES = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=100, max_size=400)


@settings(max_examples=40)
@given(values=VALUES, pixels=st.integers(10, 20), log=st.booleans(), gap=st.integers(1, 7))
def test_every_column_keeps_what_is_seen(values: list[float], pixels: int, log: bool, gap: int) -> None:
    """Against a literal reading, column by column."""
    steps, given_values = np.arange(len(values)) * gap, np.array(values)
    stop = int(steps[-1])
    kept_steps, kept = decimated((steps, given_values), start=1, stop=stop, pixels=pixels, log=log)
    assert len(kept) <= (PER_PIXEL + 1) * (pixels + 2) + 2
    np.testing.assert_array_equal(kept, given_values[kept_steps // gap])  # true values at true steps
    assert {0, stop} <= set(kept_steps.tolist())

    def column(step: Any) -> int:
        low, high, at = (np.log([1, stop, max(step, 0.5)]) if log else np.array([1.0, stop, step])).tolist()
        return int(np.clip(np.floor((at - low) / (high - low) * pixels), -1, pixels))

    columns = np.array([column(step) for step in steps])
    kept_columns = np.array([column(step) for step in kept_steps])
    for one in set(columns.tolist()):
        before, after = given_values[columns == one], kept[kept_columns == one]
        assert np.isnan(before).any() == np.isnan(after).any()
        known = before[~np.isnan(before)]
        if len(known):
            assert (np.nanmin(after), np.nanmax(after)) == (known.min(), known.max())
            left = after[~np.isnan(after)]
            assert (left[0], left[-1]) == (known[0], known[-1])


def test_few_points_stay_as_they_are() -> None:
    curve = np.arange(40), np.arange(40.0)
    assert decimated(curve, start=0, stop=39, pixels=10) is curve


@pytest.mark.parametrize("log", [False, True])
def test_one_spike_among_a_million_survives(log: bool) -> None:
    steps, values = np.arange(1_000_000), np.zeros(1_000_000)
    values[654_321] = 7.0
    kept_steps, kept = decimated((steps, values), start=1, stop=999_999, pixels=300, log=log)
    assert kept_steps[kept == 7.0].tolist() == [654_321]
    assert len(kept) < 1_300

"""The candidates for nearest neighbours, against a selection among all values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.numerics.neighbours import GROUP, _smallest, neighbours


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 300),
    share=st.floats(0, 1),
    values=st.sampled_from([2, 5, 1_000, 2**40]),
)
def test_the_smallest_values_are_those_of_a_sorted_row(seed: int, n: int, share: float, values: int) -> None:
    """Of few different values many are tied: then any of the tied places are right."""
    block = np.random.default_rng(seed).integers(values, size=(7, n)).astype(np.float64)
    block[np.arange(7), np.arange(7) % n] = np.inf
    k = 1 + int(share * (n - 1))
    places, last = (found.numpy() for found in _smallest(block, k))
    expected = np.sort(block)[:, :k]
    np.testing.assert_array_equal(np.sort(np.take_along_axis(block, places, 1)), expected)
    np.testing.assert_array_equal(last, expected[:, -1])
    assert all(len(set(row)) == k for row in places.tolist())


@pytest.mark.parametrize("n", [12, 2 * GROUP * 3 * 2 + 1, 700])
def test_neighbours_are_those_of_all_differences(n: int) -> None:
    """Columns that fill no group to the end are among them: the last points are each other's neighbours."""
    points = np.random.default_rng(0).normal(size=(n, 4))
    points[-3:] = 50 + points[-3:] / 100
    distances, indices = neighbours(points, 2)
    between = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(between, np.inf)
    np.testing.assert_array_equal(indices, np.argsort(between)[:, :2])
    unit = distances[0, 0] / np.sort(between)[0, 0]
    np.testing.assert_allclose(distances, unit * np.sort(between)[:, :2], rtol=1e-9)

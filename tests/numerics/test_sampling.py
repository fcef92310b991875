"""Landmarks and decimation keep their promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.numerics.sampling import decimate, maxmin


def points(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 5))


def test_landmarks_of_a_line() -> None:
    line = np.array([[0.0], [1.0], [2.0], [3.0], [10.0]])
    assert maxmin(line, 5, start=1).tolist() == [1, 4, 3, 0, 2]  # 0 and 2 are equally far: the first comes first


@given(st.integers(1, 40), st.integers(0, 39), st.integers(0, 2**32 - 1))
def test_every_landmark_is_the_farthest_point_from_those_before(n: int, start: int, seed: int) -> None:
    cloud = points(40, seed)
    chosen = maxmin(cloud, n, start=start)
    assert chosen[0] == start
    assert len(set(chosen.tolist())) == n
    for j in range(1, n):
        distance = np.linalg.norm(cloud[:, None] - cloud[None, chosen[:j]], axis=-1).min(1)
        assert distance[chosen[j]] == pytest.approx(distance.max(), rel=1e-9)


def test_landmarks_do_not_depend_on_scale_shift_rotation_or_order() -> None:
    cloud = points(60)
    expected = maxmin(cloud, 12, start=7)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    for moved in (1e-8 * cloud, 1e8 * cloud, cloud + 100, cloud @ rotation):
        assert maxmin(moved, 12, start=7).tolist() == expected.tolist()
    order = np.random.default_rng(2).permutation(60)
    again = maxmin(cloud[order], 12, start=int(np.flatnonzero(order == 7)[0]))
    assert order[again].tolist() == expected.tolist()


def test_duplicates_come_last_and_once() -> None:
    cloud = np.repeat(points(5), 3, axis=0)
    chosen = maxmin(cloud, 15)
    assert len({tuple(row) for row in cloud[chosen[:5]]}) == 5
    assert sorted(chosen.tolist()) == list(range(15))


@pytest.mark.parametrize(("n", "start"), [(0, 0), (7, 0), (2, -1), (2, 6)])
def test_impossible_landmarks_are_refused(n: int, start: int) -> None:
    with pytest.raises(ValueError, match="6 points"):
        maxmin(points(6), n, start=start)


@given(st.integers(1, 500), st.floats(0.001, 1.0), st.integers(0, 2**32 - 1))
def test_a_decimation_is_a_sorted_share(n: int, share: float, seed: int) -> None:
    chosen = decimate(n, share, seed)
    assert len(chosen) == max(1, round(share * n))
    assert (np.diff(chosen) > 0).all()
    assert 0 <= chosen[0] <= chosen[-1] < n
    assert chosen.tolist() == decimate(n, share, seed).tolist()


def test_every_point_is_equally_likely() -> None:
    counts = np.bincount(np.concatenate([decimate(20, 0.25, seed) for seed in range(4000)]), minlength=20)
    assert np.abs(counts - 1000).max() < 4 * np.sqrt(4000 * 0.25 * 0.75)


@pytest.mark.parametrize(("n", "share"), [(0, 0.5), (10, 0.0), (10, 1.5), (10, float("nan"))])
def test_impossible_shares_are_refused(n: int, share: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        decimate(n, share, 0)

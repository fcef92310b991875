"""Long curves lose no spike and no gap on either scale."""

import numpy as np
import pytest

from grokscope.report.figures.parts.thinning import BUCKETS, FEW, thinned

N = 100_000


def test_short_curves_stay_whole() -> None:
    assert thinned(np.arange(FEW), np.zeros(FEW)).all()


@pytest.mark.parametrize("at", [1, 7, 60, 3_000, N - 2])
def test_a_spike_of_one_point_survives(at: int) -> None:
    values = np.sin(np.arange(N) / 5_000)
    values[at] = 9.0
    kept = thinned(np.arange(N), values)
    assert kept[at]
    assert kept[[0, -1]].all()
    assert kept.sum() <= 4 * BUCKETS + 2


def test_the_extremes_of_every_pixel_are_those_of_the_curve() -> None:
    steps, values = np.arange(1, N + 1), np.random.default_rng(0).normal(size=N)
    kept = thinned(steps, values)
    for scaled in (steps.astype(float), np.log(steps)):
        pixel = (BUCKETS * (scaled - scaled[0]) / (scaled[-1] - scaled[0])).astype(int).clip(max=BUCKETS - 1)
        for each in np.unique(pixel)[:: BUCKETS // 20]:
            whole, drawn = values[pixel == each], values[kept & (pixel == each)]
            assert (drawn.min(), drawn.max()) == (whole.min(), whole.max())


def test_a_gap_keeps_its_edges() -> None:
    values = np.ones(N)
    values[500:90_000] = np.nan
    kept = np.flatnonzero(thinned(np.arange(N), values))
    assert {499, 500, 89_999, 90_000} <= set(kept.tolist())
    assert thinned(np.arange(N), np.full(N, np.nan)).sum() == 2

"""Series that follow one linear map, and one direction too few."""

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.numerics.hankel import residual

T = np.arange(250.0)
WAVE = np.cos(0.3 * T)[:, None]


def literal(x: np.ndarray, delays: int, rank: int) -> float:
    """With the map A itself."""
    stacked = np.array([np.concatenate(x[place : place + delays]) for place in range(len(x) - delays + 1)]).T
    before, after = stacked[:, :-1], stacked[:, 1:]
    u, s, v = np.linalg.svd(before, full_matrices=False)
    a = after @ v[:rank].T @ np.diag(1 / s[:rank]) @ u[:, :rank].T
    return float(np.linalg.norm(after - a @ before) / np.linalg.norm(after))


def test_an_oscillation_needs_two_directions() -> None:
    assert residual(WAVE, delays=2, rank=2) == pytest.approx(0, abs=1e-13)
    assert residual(WAVE, delays=2, rank=1) == pytest.approx(literal(WAVE, 2, 1), rel=1e-9)
    assert residual(WAVE[:249], delays=2, rank=1) == pytest.approx(0.3276, abs=5e-5)  # simulated apart from this code


def test_a_decay_beside_it_needs_a_third() -> None:
    both = WAVE + 0.5 ** T[:, None]
    assert residual(both, delays=3, rank=3) == pytest.approx(0, abs=1e-12)
    assert residual(both, delays=3, rank=2) == pytest.approx(literal(both, 3, 2), rel=1e-9)
    assert residual(both[:249], delays=3, rank=2) == pytest.approx(0.0212, abs=5e-5)


def test_channels_stand_side_by_side_and_scale_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 3))
    assert residual(x, delays=2, rank=4) == pytest.approx(literal(x, 2, 4), rel=1e-9)
    assert residual(7 * x, delays=2, rank=4) == pytest.approx(residual(x, delays=2, rank=4), rel=1e-12)


def test_bad_input() -> None:
    assert isinstance(residual(WAVE[:3], delays=2, rank=1), Missing)
    assert not isinstance(residual(WAVE[:4], delays=2, rank=1), Missing)
    assert isinstance(residual(0 * WAVE, delays=2, rank=1), Missing)
    assert isinstance(residual(np.where(T[:, None] == 5, np.nan, WAVE), delays=2, rank=1), Missing)
    for wrong in ({"delays": 0, "rank": 1}, {"delays": 1, "rank": 0}):
        with pytest.raises(ValueError, match="at least one"):
            residual(WAVE, **wrong)

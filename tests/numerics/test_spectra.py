"""Effective rank, participation ratio and entropy rank where the spectrum is known."""

from collections.abc import Callable

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.numerics.spectra import effective_rank, entropy_rank, participation_ratio, spectral_entropy


def test_equal_singular_values_count_themselves() -> None:
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(30, 5)))[0]
    assert effective_rank(3.0 * q @ q.T) == pytest.approx(5, abs=1e-9)


def test_it_is_the_exponential_of_the_entropy() -> None:
    share = np.array([0.5, 0.25, 0.25])
    expected = np.exp(-(share * np.log(share)).sum())
    assert effective_rank(np.diag(8 * share)) == pytest.approx(expected, abs=1e-9)
    assert effective_rank(np.diag(1e-9 * share)) == pytest.approx(expected, abs=1e-9)


def test_zero_has_rank_zero() -> None:
    assert effective_rank(np.zeros((4, 3))) == 0


def clock(*amplitudes: float, p: int = 59) -> np.ndarray:
    angle = 2 * np.pi * np.outer(np.arange(p), 1 + np.arange(len(amplitudes))) / p
    return np.hstack([np.cos(angle) * amplitudes, np.sin(angle) * amplitudes])


@pytest.mark.parametrize("rank", [participation_ratio, entropy_rank])
def test_a_clock_of_k_equal_frequencies_has_two_directions_each(rank: Callable[[object], float]) -> None:
    for k in (1, 2, 5):
        assert rank(clock(*[1.0] * k)) == pytest.approx(2 * k, abs=1e-9)
    moved = 1e9 + 3e6 * clock(1.0, 1.0) @ np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    assert rank(moved[::-1]) == pytest.approx(4, abs=1e-9)


def test_unequal_directions_count_by_their_variance() -> None:
    share = np.array([4, 4, 1, 1]) / 10  # amplitudes 2 and 1: variances 4 : 1, each twice
    assert participation_ratio(clock(2.0, 1.0)) == pytest.approx(1 / np.square(share).sum(), abs=1e-9)
    assert entropy_rank(clock(2.0, 1.0)) == pytest.approx(np.exp(-(share * np.log(share)).sum()), abs=1e-9)
    # More channels than points: the spectrum is that of the points' products.
    wide = np.hstack([clock(2.0, 1.0), np.zeros((59, 100))])
    assert participation_ratio(wide) == pytest.approx(participation_ratio(clock(2.0, 1.0)), abs=1e-9)


@pytest.mark.parametrize("rank", [participation_ratio, entropy_rank])
def test_clouds_without_a_spectrum(rank: Callable[[object], object]) -> None:
    assert isinstance(rank(np.full((20, 3), 0.1)), Missing)
    assert isinstance(rank(np.ones((1, 3))), Missing)
    assert rank(np.arange(20)[:, None]) == pytest.approx(1)
    for bad in (np.array([[np.nan, 1.0]] * 20), np.ones(20)):
        with pytest.raises(ValueError, match="points must"):
            rank(bad)


def _with_eigenvalues(values: list[float], offset: float = 0.0) -> np.ndarray:
    """Points whose covariance, and for offset 0 second moments, have these eigenvalues over their sum."""
    signs = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]).T
    both = np.concatenate([signs, -signs])[:, : len(values)]
    return both * np.sqrt(values) + offset


def test_spectral_entropy_of_known_eigenvalues() -> None:
    assert spectral_entropy(_with_eigenvalues([0.5, 0.25, 0.125, 0.125])) == pytest.approx(0.875)
    for k in (1, 2, 3):
        equal = _with_eigenvalues([1.0] * k + [0.0] * (4 - k))
        for centred in (True, False):
            assert spectral_entropy(equal, centred=centred) == pytest.approx(np.log(k) / np.log(4))
    moved = _with_eigenvalues([0.5, 0.25, 0.125, 0.125], offset=3.0)
    assert spectral_entropy(1e6 * moved) == pytest.approx(0.875)
    assert spectral_entropy(moved, centred=False) < 0.6


def test_nothing_has_no_spectral_entropy() -> None:
    assert isinstance(spectral_entropy(np.ones((5, 3))), Missing)
    assert isinstance(spectral_entropy(np.zeros((5, 3)), centred=False), Missing)
    assert isinstance(spectral_entropy(np.ones((5, 1)), centred=False), Missing)

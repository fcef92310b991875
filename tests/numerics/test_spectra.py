"""Effective rank on matrices whose singular values are known."""

import numpy as np
import pytest

from grokscope.numerics.spectra import effective_rank


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

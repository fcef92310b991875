"""Clouds that stand in the place of others: structureless ones, and clocks with noise."""

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.numerics import circles
from grokscope.numerics.pairs import of_frequencies, without_frequencies
from grokscope.numerics.spectra import structureless

P = 31


def wave(k: int) -> np.ndarray:
    angle = 2 * np.pi * k * np.arange(P) / P
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def power(table: np.ndarray) -> np.ndarray:
    """Of each frequency 0..15, over the channels."""
    return np.square(np.abs(np.fft.rfft(table, axis=0))).sum(1)


def test_a_structureless_cloud_has_the_covariance_and_nothing_else() -> None:
    """Covariance to its error of sampling; and the points of a circle leave their ring."""
    rng = np.random.default_rng(0)
    angle = 2 * np.pi * rng.random(20_000)
    ring = np.stack([3 * np.cos(angle), np.sin(angle)], axis=1) @ np.linalg.qr(rng.normal(size=(2, 2)))[0] + 7
    drawn = structureless(ring, 1)
    assert drawn.shape == ring.shape
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(ring.T), atol=4 * 4.5 * np.sqrt(2 / 20_000))
    whitened = drawn @ np.linalg.inv(np.linalg.cholesky(np.cov(drawn.T))).T
    assert np.square(whitened).sum(1).std() == pytest.approx(2, rel=0.1)  # of a normal cloud; 0 on the ring
    np.testing.assert_array_equal(structureless(ring, 1), drawn)
    assert not np.array_equal(structureless(ring, 2), drawn)
    assert not structureless(np.full((5, 3), 0.1), 0).any()


def test_a_clock_with_noise_has_the_power_of_its_frequencies_and_the_size_of_the_rest() -> None:
    rng = np.random.default_rng(0)
    table = np.hstack([wave(3), 0.5 * wave(8)]) @ rng.normal(size=(4, 12)) + 0.3 * rng.normal(size=(P, 12)) + 2
    centred = table - table.mean(0)
    for seed in range(3):
        drawn = circles.ideal_clock(table, [3, 8], noise=seed)
        assert not isinstance(drawn, Missing)
        np.testing.assert_allclose(power(drawn)[[3, 8]], power(centred)[[3, 8]], rtol=1e-9)
        assert np.square(drawn).sum() == pytest.approx(np.square(centred).sum(), rel=1e-9)
        assert np.abs(drawn - centred).max() > 0.1
    plain = circles.ideal_clock(table, [3, 8])
    assert not isinstance(plain, Missing)
    np.testing.assert_allclose(circles.ideal_clock(plain, [3, 8], noise=0), plain, atol=1e-9)


def test_functions_of_two_residues_keep_the_products_of_their_frequencies() -> None:
    a, b = (place.ravel() for place in np.meshgrid(np.arange(P), np.arange(P), indexing="ij"))
    turn = 2 * np.pi / P
    kept = [np.cos(turn * 3 * a), np.sin(turn * 7 * b), np.cos(turn * 3 * a) * np.sin(turn * 7 * b)]
    kept += [np.cos(turn * 3 * (a - b)), np.sin(turn * 7 * (a + b))]
    gone = [np.cos(turn * 5 * a), np.cos(turn * 5 * a) * np.cos(turn * 3 * b), np.cos(turn * 6 * (a + b))]
    found = of_frequencies(np.stack([*kept, *gone], axis=1) + 4, P, [3, 7, 3]).numpy()
    np.testing.assert_allclose(found[:, : len(kept)], np.stack(kept, axis=1), atol=1e-9)
    np.testing.assert_allclose(found[:, len(kept) :], 0, atol=1e-9)
    with pytest.raises(ValueError, match=r"frequencies must lie in 1\.\.15, got \[16\]"):
        of_frequencies(found, P, [16])


def test_a_table_without_frequencies_has_the_size_that_it_had() -> None:
    table = np.random.default_rng(0).normal(size=(P, 5))
    left = without_frequencies(table, P, [2, 9])
    assert power(left.numpy())[[0, 2, 9]] == pytest.approx([0, 0, 0], abs=1e-9)
    assert float(left.square().sum()) == pytest.approx(float(np.square(table).sum()), rel=1e-9)

"""The Fourier basis, key frequencies and Gini on cases whose answer is known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.numerics.fourier import basis, component_norms, frequency_norms, gini, key_frequencies, sum_directions


@given(st.integers(1, 130))
def test_the_basis_is_orthonormal_for_every_p(p: int) -> None:
    F = basis(p)
    assert F.shape == (p, p)
    np.testing.assert_allclose(F @ F.T, np.eye(p), atol=1e-9)


def test_the_rows_are_those_published() -> None:
    p, F = 113, basis(113)
    x = np.arange(p)
    np.testing.assert_allclose(F[0], 1 / math.sqrt(p), atol=1e-12)
    for k in (1, 14, 56):
        np.testing.assert_allclose(F[2 * k - 1], math.sqrt(2 / p) * np.cos(2 * np.pi * k * x / p), atol=1e-9)
        np.testing.assert_allclose(F[2 * k], math.sqrt(2 / p) * np.sin(2 * np.pi * k * x / p), atol=1e-9)


@given(st.integers(3, 60), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_component_norms_are_those_of_the_basis(p: int, width: int, seed: int) -> None:
    table = np.random.default_rng(seed).normal(size=(p, width))
    np.testing.assert_allclose(component_norms(table), np.linalg.norm(basis(p) @ table, axis=1), atol=1e-9)


@given(st.integers(3, 60), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_the_transform_keeps_energy_and_frequencies_ignore_rotations(p: int, width: int, seed: int) -> None:
    table = np.random.default_rng(seed).normal(size=(p, width))
    assert np.square(component_norms(table)).sum() == pytest.approx(np.square(table).sum(), rel=1e-9)
    np.testing.assert_allclose(frequency_norms(np.roll(table, 3, axis=0)), frequency_norms(table), atol=1e-9)


@pytest.mark.parametrize("p", [58, 59])
def test_key_frequencies_of_a_clock_are_its_frequencies(p: int) -> None:
    planes = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 6)))[0]
    x = np.arange(p)[:, None]
    clock = sum(
        scale
        * (np.cos(2 * np.pi * k * x / p) * planes[:, 2 * i] + np.sin(2 * np.pi * k * x / p) * planes[:, 2 * i + 1])
        for i, (k, scale) in enumerate([(3, 1.0), (20, 0.5), (29, 0.26)])
    )
    assert key_frequencies(clock).tolist() == [3, 20, 29]
    assert key_frequencies(torch.tensor(clock), threshold=0.4).tolist() == [3, 20]
    assert key_frequencies(100.0 + clock).tolist() == [3, 20, 29]


def test_the_last_frequency_is_found() -> None:
    """Published code loops to (p - 3) / 2 and can never find it."""
    x = np.arange(113)
    assert key_frequencies(np.cos(2 * np.pi * 56 * x / 113)).tolist() == [56]


def test_key_frequencies_do_not_depend_on_the_scale() -> None:
    wave = np.cos(2 * np.pi * 3 * np.arange(23) / 23)
    for scale in (1e-13, 1.0, 1e13):
        assert key_frequencies(scale * wave).tolist() == [3]
    with pytest.raises(ValueError, match="finite"):
        key_frequencies([1.0, math.nan, 0.0])


@pytest.mark.parametrize("table", [np.zeros((7, 3)), np.ones((7, 3)), 1e6 * np.ones((113, 2))])
def test_a_table_without_frequencies_has_no_key(table: np.ndarray) -> None:
    assert key_frequencies(table).tolist() == []


def test_sum_directions_are_the_published_ones() -> None:
    p, k = 13, 4
    F = basis(p)
    cos, sin = F[2 * k - 1], F[2 * k]
    cosine = (np.outer(cos, cos) - np.outer(sin, sin)) / math.sqrt(2)
    sine = (np.outer(sin, cos) + np.outer(cos, sin)) / math.sqrt(2)
    answers = (np.arange(p)[:, None] + np.arange(p)[None, :]) % p
    directions = sum_directions(answers.ravel(), p, [k])
    np.testing.assert_allclose(directions, np.stack([cosine.ravel(), sine.ravel()], axis=1), atol=1e-9)


def test_gini_in_closed_form() -> None:
    n = 113
    one_hot = np.eye(n)[5]
    assert gini(one_hot) == pytest.approx(1 - 1 / n, abs=1e-9)
    for m in (2, 10, n):
        equal = np.zeros(n)
        equal[:m] = 3.7
        assert gini(np.random.default_rng(0).permutation(equal)) == pytest.approx(1 - m / n, abs=1e-9)
    assert gini(np.repeat([1.0, 0.0], [10, 103])) == pytest.approx(0.9115, abs=5e-5)  # science/circuits.md, 1.3


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40).filter(lambda values: sum(values) > 1e-3))
def test_gini_is_the_mean_difference(values: list[float]) -> None:
    x = np.array(values)
    literal = np.abs(x[:, None] - x[None, :]).sum() / (2 * len(x) * x.sum())
    assert gini(values) == pytest.approx(literal, abs=1e-9)
    assert gini(7 * x) == pytest.approx(gini(x), abs=1e-9)


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [1.0, -1.0], [1.0, math.nan], [math.inf]])
def test_gini_refuses_what_it_is_not_defined_for(values: list[float]) -> None:
    with pytest.raises(ValueError, match="gini"):
        gini(values)

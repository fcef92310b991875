"""The orthonormal real Fourier basis over the residues mod p, key frequencies and the Gini coefficient.

Source: Nanda et al. 2023, arXiv:2301.05217, section 4 and appendix C.2; Hurley & Rickard 2009, arXiv:0811.4706, for
Gini.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grokscope.errors import require_finite
from grokscope.numerics._points import back, in_units, real


def basis(p: int) -> NDArray[np.float64]:
    """Orthonormal rows F (p x p): row 0 constant; rows 2k-1 and 2k are cos and sin(2 pi k x / p), k = 1..floor(p/2).

        F[0] = 1/sqrt(p),   F[2k-1, x] = sqrt(2/p) cos(2 pi k x/p),   F[2k, x] = sqrt(2/p) sin(2 pi k x/p)

    For even p the last row is the alternating one, (-1)^x / sqrt(p), which has no sine.
    """
    if p < 1:
        raise ValueError(f"p must be at least 1, got {p}")
    # The angle is reduced mod p in integers, so that large k x costs no precision.
    k, x = np.arange(1, p // 2 + 1)[:, None], np.arange(p)[None, :]
    angle = 2 * np.pi * ((k * x) % p) / p
    rows = np.empty((2 * (p // 2) + 1, p))
    rows[0] = 1 / np.sqrt(p)
    rows[1::2] = np.sqrt(2 / p) * np.cos(angle)
    rows[2::2] = np.sqrt(2 / p) * np.sin(angle)
    if p % 2 == 0:
        rows[-2] /= np.sqrt(2)
    return rows[:p]


def component_norms(table: Any) -> NDArray[np.float64]:
    """Norm of each Fourier component (constant, cos 1, sin 1, cos 2, ...) of a table whose first axis is residues."""
    table, exponent = in_units(real(table, "a table"))
    p = len(table)
    # An FFT, not basis(p) @ table: the numbers are the same (tested), and the threads of BLAS, which would compete with
    # a training loop for the cores, stay asleep.
    coefficients = np.fft.rfft(table.reshape(p, -1), axis=0)
    norms = np.empty(2 * (p // 2) + 1)
    norms[0] = np.linalg.norm(coefficients[0]) / np.sqrt(p)
    norms[1::2] = np.linalg.norm(coefficients[1:].real, axis=1) * np.sqrt(2 / p)
    norms[2::2] = np.linalg.norm(coefficients[1:].imag, axis=1) * np.sqrt(2 / p)
    if p % 2 == 0:
        norms[-2] /= np.sqrt(2)
    return back(norms[:p], exponent)


def frequency_norms(table: Any) -> NDArray[np.float64]:
    """Norm of each frequency k = 1..floor(p/2), cosine and sine together, of a table whose first axis is residues.

    A rotation of the residues (x -> x + 1) changes none of them; it changes the norms of cosine and sine alone.
    """
    table, exponent = in_units(real(table, "a table"))
    norms = component_norms(table)
    p = len(norms)
    frequency = (np.arange(1, p) + 1) // 2
    return back(np.sqrt(np.bincount(frequency, weights=norms[1:] ** 2)[1:]), exponent)


def key_frequencies(table: Any, *, threshold: float = 0.25) -> NDArray[np.int64]:
    """Frequencies k in 1..floor(p/2) whose norm in the table exceeds `threshold` times the largest one, ascending.

    table: first axis residues, such as W_E without "=", or the neuron-logit map W_L with the logit axis first. The
    published rule gives no number ("nontrivial"). A quarter of the largest separates the frequencies of the published
    networks. A table without power at any frequency (constant or zero) has no key frequency.
    """
    require_finite(threshold=threshold)
    table, _ = in_units(real(table, "a table"))
    if not varies(table):
        return np.array([], dtype=np.int64)
    norms = frequency_norms(table)
    return np.flatnonzero(norms > threshold * norms.max()) + 1


def varies(table: Any) -> bool:
    """Whether a table has power at some frequency; rounding leaves 1e-15 of its size in a constant table."""
    table, _ = in_units(real(table, "a table"))
    norms = frequency_norms(table)
    size = np.sqrt(np.square(table).sum())  # numpy's norm of a whole array is a BLAS product: see component_norms
    return bool(len(norms) and norms.max() > 1e-12 * size)


def sum_directions(answers: Any, p: int, frequencies: Any) -> NDArray[np.float64]:
    """Unit vectors over the inputs along cos and sin(2 pi k y / p), y = (a + b) mod p: two columns a frequency.

    frequencies: as in `distinct`. At k = p/2 there is no sine, and one column.

    Over all p^2 pairs these are the published directions (cos x cos - sin x sin)/sqrt(2) and (sin x cos + cos x
    sin)/sqrt(2).
    """
    answers, keys = real(answers, "answers").astype(np.int64), distinct(frequencies, p)
    angle = 2 * np.pi * ((answers[:, None] * keys[None, :]) % p) / p
    waves = np.stack([np.cos(angle), np.sin(angle)], axis=2)
    columns = waves.reshape(len(answers), -1)[:, np.repeat(2 * keys, 2) != np.tile([-1, p], len(keys))]
    return columns / np.linalg.norm(columns, axis=0)


def distinct(frequencies: Any, p: int) -> NDArray[np.int64]:
    """The frequencies, ascending, each once; ValueError for none, or one that is no whole number in 1..floor(p/2)."""
    given = real(frequencies, "frequencies").ravel()
    keys = np.unique(given.astype(np.int64))
    if not (np.isin(given, keys).all() and len(keys) and keys[0] >= 1 and keys[-1] <= p // 2):
        raise ValueError(f"frequencies must be whole numbers in 1..{p // 2}, got {given.tolist()}")
    return keys


def gini(values: Any) -> float:
    """Gini coefficient of non-negative values x_1 <= ... <= x_N: sum_i (2i - N - 1) x_i / (N sum x).

    0 for equal values, 1 - 1/N for a single non-zero one, 1 - m/N for m equal non-zero ones. ValueError if a value is
    negative or none is positive.
    """
    x = np.sort(in_units(real(values, "values of a gini"))[0].ravel())
    if not len(x) or x[0] < 0:
        raise ValueError("gini needs at least one value, all finite and non-negative")
    total = x.sum()
    if total == 0:
        raise ValueError("gini is undefined for values that are all 0")
    n = len(x)
    return float((2 * np.arange(1, n + 1) - n - 1) @ x / (n * total))

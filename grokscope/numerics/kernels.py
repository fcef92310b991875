"""Kernels: the empirical tangent kernel of a network (`ntk`), and statistics of a kernel.

K is symmetric, (sample, sample); y holds targets, (sample,) or (sample, output). Arrays or tensors; all in float64.

Sources: Jacot, Gabriel & Hongler 2018, arXiv:1806.07572 (the kernel); Kumar et al. 2024, arXiv:2310.06110, sections 3
and 4 and released code (alignment, difficulty, kernel regression as the reference of the lazy network); Cortes, Mohri &
Rostamizadeh 2012 and Kornblith et al. 2019, arXiv:1905.00414 (centred alignment, CKA).
"""

from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float64

from grokscope.errors import Missing, of_all
from grokscope.numerics._ntk import MEMORY, Kind, ntk
from grokscope.numerics._points import back, in_units, real
from grokscope.numerics.spectra import effective_rank
from grokscope.registry import unknown

__all__ = [
    "MEMORY",
    "Convention",
    "Kind",
    "alignment",
    "cka",
    "difficulty",
    "distance",
    "effective_rank",
    "gradient_descent",
    "ntk",
    "regression",
    "relative_change",
]

Convention = Literal["kumar", "centred", "uncentred"]
Array = Float64[np.ndarray, "..."]


def alignment(K: Any, y: Any, *, convention: Convention = "kumar") -> float | Missing:
    """<K, y y^T> / (|K|_F |y y^T|_F), the alignment of a kernel with targets, which is |y|^2 below for one output.

    convention: what is centred first. "kumar": y, and the columns of K (each minus its mean over the rows), as in the
    released code. "centred": y, and K on both sides; this is the CKA of K and y y^T, with the same numerator.
    "uncentred": neither. `Missing` where K or y are constant, so that centring leaves nothing.
    """
    if convention not in get_args(Convention):
        raise ValueError(unknown("convention", convention, get_args(Convention)))
    K, y = in_units(_kernel(K))[0], in_units(_targets(y))[0]
    _require_rows(K, y)
    if convention != "uncentred":
        y = _column_centred(y)
        K = _centred(K) if convention == "centred" else _column_centred(K)
    size = float(np.linalg.norm(K) * np.linalg.norm(y.T @ y))  # |y y^T|_F = |y^T y|_F
    if not size:
        return Missing("the targets, or the kernel, are the same for all samples: there is nothing to align")
    return float((y * (K @ y)).sum()) / size


def cka(K: Any, L: Any) -> float | Missing:
    """<HKH, HLH> / (|HKH|_F |HLH|_F), H = 1 - 1/n: 1 for kernels equal but for scale and offset.

    A vector, or a matrix that is not square, holds features or targets (sample, feature); their kernel is X X^T. Two of
    them give linear CKA; a kernel and targets give their `alignment` by the convention "centred".
    """
    K, L = _kernel_of(K), _kernel_of(L)
    _require_rows(K, L)
    K, L = (in_units(_centred(kernel))[0] for kernel in (K, L))
    size = float(np.linalg.norm(K) * np.linalg.norm(L))
    return float((K * L).sum()) / size if size else Missing("a kernel is constant: centring leaves nothing")


def distance(K: Any, L: Any) -> float | Missing:
    """The kernel distance 1 - cka, which scale does not change."""
    return of_all(lambda similarity: 1 - similarity, cka(K, L))


def relative_change(K: Any, K_0: Any) -> float | Missing:
    """|K - K_0|_F / |K_0|_F."""
    K, K_0 = _kernel(K), _kernel(K_0)
    _require_rows(K, K_0)
    if not K_0.any():
        return Missing("the first kernel is zero")
    both, _ = in_units(np.stack([K, K_0]))
    (change, up), (first, down) = in_units(both[0] - both[1]), in_units(both[1])
    return float(back(np.linalg.norm(change) / np.linalg.norm(first), up - down))


def regression(K: Any, y: Any, K_test: Any, *, ridge: float = 0.0) -> Array:
    """K_test (K + ridge)^-1 y: the predictions of kernel regression, (test, output), or (test,) for y of (sample,).

    Without a ridge: the solution of least norm, without the directions of K that are below rounding. Gradient descent
    on squared error ends there, in a linearised network whose outputs start at 0.
    """
    values, vectors, exponent = _solvable(K, ridge)
    (K_test, of_test), (Y, of_y) = in_units(_array(K_test)), in_units(_targets(y))
    if K_test.ndim != 2 or K_test.shape[1] != len(vectors) or len(Y) != len(vectors):
        raise ValueError(
            f"K {(len(vectors),) * 2}, y {Y.shape} and K_test {K_test.shape} do not fit: expected (n, n), (n, outputs) "
            f"and (test, n)"
        )
    predictions = K_test @ (vectors @ ((vectors.T @ Y) * _inverse(values)[:, None]))
    predictions = back(predictions, of_test + of_y - exponent)
    return predictions[:, 0] if np.ndim(_array(y)) == 1 else predictions


def difficulty(K: Any, y: Any, *, ridge: float = 0.0) -> float | Missing:
    """y^T (K + ridge)^-1 y, summed over outputs: large where the targets lie along small eigenvalues.

    `Missing` where part of the targets lies outside the kernel's span (no ridge, a kernel below full rank).
    """
    values, vectors, exponent = _solvable(K, ridge)
    Y, of_y = in_units(_targets(y))
    _require_rows(vectors, Y)
    parts = np.square(vectors.T @ Y).sum(1)
    outside = parts[values == 0].sum()
    if outside > 1e-12 * parts.sum():  # the square of rounding, with room
        return Missing(f"the kernel cannot fit {outside / parts.sum():.2g} of the targets: the difficulty is infinite")
    return float(back((parts * _inverse(values)).sum(), 2 * of_y - exponent))


def gradient_descent(
    K: Any, y: Any, K_test: Any, *, rate: float, step: int
) -> tuple[Float64[np.ndarray, "sample"], Float64[np.ndarray, "test"]]:
    """The outputs of a linearised network after `step` steps of gradient descent, on training and on other samples.

        f_t = y - (1 - eta)^t (y),   eta = 2 rate K / n

    Exact for any rate. Outputs start at 0, the loss is (1 / n) sum (f - y)^2. K_test: (test, sample).
    """
    K, exponent = in_units(_kernel(K))
    values, vectors = np.linalg.eigh(K)
    y, K_test, rate = _array(y).reshape(-1), back(_array(K_test), -exponent), float(back(rate, exponent))
    _require_rows(vectors, y)
    eta = 2 * rate * np.maximum(values, 0) / len(y)
    left = np.power(1 - eta, step)
    small = eta < 0.5
    left[small] = np.exp(step * np.log1p(-eta[small]))
    # (1 - left) / values, and its limit where a value is 0.
    done = np.where(small, -np.expm1(step * np.log1p(-np.where(small, eta, 0))), 1 - left)
    tiny = values <= np.finfo(np.float64).tiny
    through = np.where(tiny, 2 * rate * step / len(y), done / np.where(tiny, 1, values))
    parts = vectors.T @ y
    return vectors @ (done * parts), K_test @ (vectors @ (through * parts))


def _solvable(K: Any, ridge: float) -> tuple[Array, Array, int]:
    """Eigenvalues of (K + ridge) / 2^e, 0 where K's are below rounding, eigenvectors, and e."""
    if not ridge >= 0:
        raise ValueError(f"ridge must be at least 0, got {ridge}")
    K, exponent = in_units(_kernel(K))
    values, vectors = np.linalg.eigh(K)
    noise = len(values) * np.finfo(np.float64).eps * max(abs(values[-1]), abs(values[0]))
    return np.where(values > noise, values, 0) + float(back(ridge, -exponent)), vectors, exponent


def _inverse(values: Array) -> Array:
    return np.where(values > 0, 1 / np.where(values > 0, values, 1), 0)


def _column_centred(matrix: Array) -> Array:
    centred = matrix - matrix.mean(0)
    # Rounding of the mean is not a difference between samples.
    return centred if np.abs(centred).max() > 1e-14 * np.abs(matrix).max() else np.zeros_like(centred)


def _centred(K: Array) -> Array:
    return _column_centred(_column_centred(K).T).T


def _array(values: Any) -> Array:
    return real(values, "kernels and targets")


def _kernel(K: Any) -> Float64[np.ndarray, "sample sample"]:
    kernel = _array(K)
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1] or not len(kernel):
        raise ValueError(f"a kernel must have the shape (samples, samples), got {kernel.shape}")
    unit, _ = in_units(kernel)
    if np.abs(unit - unit.T).max() > 1e-6 * np.abs(unit).max():
        raise ValueError(
            "a kernel must be symmetric; this one differs from its transpose by more than 1e-6 of its size"
        )
    return kernel


def _kernel_of(values: Any) -> Float64[np.ndarray, "sample sample"]:
    """A kernel itself, or the inner products of features, over a power of two."""
    rows, _ = in_units(_targets(values))
    return _kernel(rows) if rows.shape[0] == rows.shape[1] else rows @ rows.T


def _targets(y: Any) -> Float64[np.ndarray, "sample output"]:
    targets = _array(y)
    return targets[:, None] if targets.ndim == 1 else targets


def _require_rows(K: Array, other: Array) -> None:
    if len(K) != len(other):
        raise ValueError(f"one row a sample: a kernel of {len(K)} samples came with {len(other)} rows")

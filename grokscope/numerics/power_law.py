"""Tails of spectra: the exponent of a power law, and eigenvalues beyond the bulk of a random matrix."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy import optimize

from grokscope.errors import Missing
from grokscope.numerics._points import real

SMALLEST = 1e-5  # eigenvalues up to it count as zero, as in the released code
BANDWIDTH = 0.1  # of the density of eigenvalues of mean 1
GRID, FAINT = 1000, 0.01  # points at which the density is fitted, and what is too little of it to be fitted
SIGMAS = (0.05, 2.0, 0.01)  # from, to, by: in the sigma that the largest eigenvalue has

Spectrum = Float64[np.ndarray, " eigenvalue"]


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """p(x) ~ x^-alpha for x >= xmin. error: standard error of alpha. distance: Kolmogorov's, of the tail. n: its
    values."""

    alpha: float
    error: float
    xmin: float
    distance: float
    n: int


def power_law(values: Any, *, smallest: float = 0.0) -> PowerLaw | Missing:
    """The power law of a tail, by maximum likelihood, from the xmin at which the tail is nearest to it.

        alpha = 1 + n / sum_i ln(x_i / xmin),   error = (alpha - 1) / sqrt n
        distance = max_i |1 - (x_(i) / xmin)^(1 - alpha) - i / n|,   i = 0 .. n - 1

    values: positive, in any order; those up to `smallest` are left out. Every value but the largest is tried as xmin.
    alpha and distance are free of scale. `Missing` for fewer than two different values; ValueError for what is no list
    of finite numbers.
    Source: Clauset et al. 2009, doi:10.1137/070710111, sections 3.1 and 3.3; Martin & Mahoney 2021, arXiv:1810.01075.
    """
    x = np.sort(real(values, "the values").ravel())
    x = x[x > max(smallest, 0.0)]
    if len(x) < 2 or x[0] == x[-1]:
        return Missing("a power law needs two different values")
    logs = np.log(x)
    # The first place of each value that is not the largest.
    starts = np.unique(x[x < x[-1]], return_index=True)[1]
    above = np.cumsum(logs[::-1])[::-1]
    n = len(x) - starts
    alphas = 1 + n / (above[starts] - n * logs[starts])
    distances = [_distance(logs[start:], alpha) for start, alpha in zip(starts, alphas, strict=True)]
    best = int(np.argmin(distances))
    alpha, size = float(alphas[best]), int(n[best])
    return PowerLaw(
        alpha=alpha,
        error=(alpha - 1) / size**0.5,
        xmin=float(x[starts[best]]),
        distance=float(distances[best]),
        n=size,
    )


def _distance(logs: Spectrum, alpha: float) -> float:
    return float(np.abs(1 - np.exp((1 - alpha) * (logs - logs[0])) - np.arange(len(logs)) / len(logs)).max())


def eigenvalues(matrix: Any) -> Spectrum:
    """The squared singular values of a matrix, ascending."""
    return np.square(np.linalg.svd(real(matrix, "a matrix"), compute_uv=False))[::-1]


def shuffled(matrix: Any, seed: int = 0) -> Float64[np.ndarray, "row column"]:
    """The matrix with its entries in another order."""
    entries = real(matrix, "a matrix")
    return np.random.default_rng(seed).permutation(entries.ravel()).reshape(entries.shape)


def beyond_the_bulk(matrix: Any) -> int | Missing:
    """How many eigenvalues of W^T W lie beyond the bulk of a random matrix.

    The eigenvalues, of mean 1, have the law of Marchenko and Pastur with a scale sigma, which is fitted to their
    density (triangular kernel, bandwidth 0.1) by least squares; of a square matrix the quarter circle is fitted to
    their roots. Q: the longer over the shorter side M.

        edge = (sigma (1 + Q^-1/2))^2,   counted beyond edge + sqrt(Q^-1/2 edge^(2/3) M^(-2/3))

    The margin is that of the released code: the root of the width of Tracy and Widom's law. `Missing` for a matrix of
    zeros, or of one row.
    Source: Martin & Mahoney 2021, arXiv:1810.01075, section 3; released code WeightWatcher d6fd015.
    """
    entries = real(matrix, "a matrix")
    values, M, Q = eigenvalues(entries), min(entries.shape), max(entries.shape) / min(entries.shape)
    if M < 2 or not values.any():
        return Missing("a matrix of one row, or of zeros, has no bulk")
    values = values / values.mean()
    sigma = _fitted_sigma(values, Q)
    edge = (sigma * (1 + Q**-0.5)) ** 2
    return int((values > edge + (Q**-0.5 * edge ** (2 / 3) * M ** (-2 / 3)) ** 0.5).sum())


def _fitted_sigma(values: Spectrum, Q: float) -> float:
    points = np.sqrt(values) if Q == 1 else values
    x = np.linspace(0, points.max() + 0.5, GRID)
    density = _density(points, x)
    x, density = x[density > FAINT], density[density > FAINT]
    top, last = x[density.argmax()], x.max()

    def error(sigma: Any) -> float:
        sigma = float(np.ravel(sigma)[0])
        if Q == 1:
            law = np.sqrt(np.clip(4 - x**2, 0, None)) / (np.pi * sigma**2)
        else:
            low, high = ((sigma * (1 + sign * Q**-0.5)) ** 2 for sign in (-1, 1))
            if high < top or high > last or low > top:
                return 1e6 * len(x)  # a bulk that does not hold the most eigenvalues, or ends beyond all
            inside = np.clip((high - x) * (x - low), 0, None)
            law = np.sqrt(inside) * Q / (2 * np.pi * sigma**2 * np.where(x > 0, x, 1))
        return float(np.square(law - density).sum())

    start = float(np.sqrt(values.max())) / (1 + Q**-0.5)
    first, end, by = (start * part for part in SIGMAS)
    return float(np.ravel(optimize.brute(error, (slice(first, end, by),)))[0])


def _density(points: Spectrum, x: Float64[np.ndarray, " grid"]) -> Float64[np.ndarray, " grid"]:
    near = np.clip(1 - np.abs(x[:, None] - points) / BANDWIDTH, 0, None)
    return near.sum(1) / (len(points) * BANDWIDTH)

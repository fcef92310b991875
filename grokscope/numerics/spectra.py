"""How many directions a matrix has, by its singular values; clouds that have its spectrum and nothing else."""

from typing import Any

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.numerics._points import cloud, in_units, real


def effective_rank(matrix: Any) -> float:
    """exp of the entropy of the normalised singular values, between 1 and min(shape).

        p_i = s_i / sum s,   effective rank = exp(-sum p_i log p_i)

    Source: Roy & Vetterli 2007, "The effective rank: a measure of effective dimensionality", definition 1. It is
    scale-free. A zero matrix has effective rank 0 by convention of rank.
    """
    singular = np.linalg.svd(in_units(real(matrix, "a matrix"))[0], compute_uv=False)
    return _exp_entropy(singular / singular.sum()) if singular.any() else 0.0


def participation_ratio(points: Any) -> float | Missing:
    """(sum l)^2 / sum l^2 of the eigenvalues l of the points' covariance: how many directions share the variance, 1.

    Between 1 (a line) and min(channels, points - 1) (all directions alike). Free of scale, rotation and offset.
    `Missing` where all points are equal; ValueError for anything but finite rows.
    Source: Gao et al. 2017, doi:10.1101/214262, equation 5.
    """
    share = _variances(points)
    return share if isinstance(share, Missing) else float(1 / np.square(share).sum())


def entropy_rank(points: Any) -> float | Missing:
    """exp(-sum q_i log q_i) of the shares q_i = l_i / sum l of the variance; otherwise as `participation_ratio`, 1.

    `effective_rank` takes the singular values themselves, and is larger.
    """
    share = _variances(points)
    return share if isinstance(share, Missing) else _exp_entropy(share)


def structureless(points: Any, seed: int = 0) -> Float[np.ndarray, "point channel"]:
    """A normal cloud of as many points and channels, with the same spectrum and the same directions, centred at 0.

        y_i = sum_j g_ij (s_j / sqrt n) v_j,   g_ij ~ N(0, 1)

    s_j, v_j: the singular values and directions of the centred points.

    Points that have no relation to each other form such a cloud. Equal points give zeros. ValueError for anything but
    finite rows.
    """
    rows = cloud(points, centre=False)
    # The mean of equal rows is off by rounding, which is no spread.
    if len(rows) == 0 or np.ptp(rows, axis=0).max() == 0:
        return np.zeros_like(rows)
    _, spread, directions = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    drawn = np.random.default_rng(seed).normal(size=(len(rows), len(spread)))
    return drawn * (spread / np.sqrt(len(rows))) @ directions


def _variances(points: Any) -> Float[np.ndarray, " direction"] | Missing:
    """The eigenvalues of the covariance over their sum."""
    raw, rows = in_units(cloud(points, centre=False))[0], cloud(points)
    # Rounding of the mean leaves some 1e-16 of the size in equal points, which is not variance.
    if len(raw) < 2 or np.ptp(raw, axis=0).max() <= 1e-12 * np.abs(raw).max():
        return Missing(f"the {len(raw)} points are all equal: there is no variance")
    gram = rows.T @ rows if rows.shape[1] <= len(rows) else rows @ rows.T
    variances = np.maximum(np.linalg.eigvalsh(gram), 0)
    return variances / variances.sum()


def _exp_entropy(share: Float[np.ndarray, " direction"]) -> float:
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))


def spectral_entropy(points: Any, *, centred: bool = True) -> float | Missing:
    """Entropy of the shares of the variance in each direction, over that of equal shares, 1.

        p_k = l_k / sum l,   -sum_k p_k ln p_k / ln d,   l the eigenvalues of the covariance, d channels

    centred: False takes the second moments about 0 instead. Between 0 (a line) and 1 (all channels alike and
    uncorrelated). `Missing` for one channel, and where all points are equal (not centred: zero).
    Source: arXiv:2604.13123 (it does not say whether it centres).
    """
    raw = in_units(cloud(points, centre=False))[0]
    if raw.shape[1] < 2:
        return Missing("one channel has no entropy of directions")
    if centred:
        share = _variances(raw)
        return share if isinstance(share, Missing) else float(np.log(_exp_entropy(share)) / np.log(raw.shape[1]))
    squares = np.square(np.linalg.svd(raw, compute_uv=False))
    if not squares.any():
        return Missing("the points are all zero")
    return float(np.log(_exp_entropy(squares / squares.sum())) / np.log(raw.shape[1]))

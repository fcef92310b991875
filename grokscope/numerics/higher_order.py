"""Synergy and redundancy of several variables: O-information of a Gaussian copula."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing

FEWEST = 3  # variables: of two it is 0
CEILING = 1 - 1e-9  # of a correlation: two variables that are one have no joint density


class Extremes(NamedTuple):
    """Over all subsets of three and more variables: the least value (synergy), and the largest (redundancy)."""

    synergy: float
    redundancy: float


def o_information(correlations: Float[np.ndarray, "*batch variable variable"]) -> Float[np.ndarray, "*batch"]:
    """Omega in nats of variables with these correlations, if they are jointly normal.

        Omega = (n - 2) H(Z) + sum_j [H(Z_j) - H(Z without j)],   H = ln det(R) / 2 + const.

    Above 0 redundancy prevails, below 0 synergy; 0 for independent variables and for n = 2. The constants of the
    entropies cancel. ValueError for a matrix that is not positive definite.

    Source: Rosas et al. 2019, arXiv:1902.11239, definition 2, in the form of arXiv:2408.08944.
    """
    n = correlations.shape[-1]
    others = [[k for k in range(n) if k != j] for j in range(n)]
    without = sum(_half_log_det(correlations[..., rows, :][..., rows]) for rows in others)
    return (n - 2) * _half_log_det(correlations) - without


def copula_correlations(samples: Float[np.ndarray, "sample variable"]) -> Float[np.ndarray, "variable variable"]:
    """Correlations of the normal scores of each variable's ranks; ties have their mean rank. NaN for a constant."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    scores = ndtri(rankdata(samples, axis=0) / (len(samples) + 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.corrcoef(scores, rowvar=False)
    return np.where(np.eye(len(found), dtype=bool), found, np.clip(found, -CEILING, CEILING))


def extremes(samples: Float[np.ndarray, "sample variable"]) -> Extremes | Missing:
    """Of samples of some variables. `Missing` for fewer than three variables that vary, or three samples more than
    these. A minimum over many subsets of independent variables is below 0 too: compare it with shuffled columns."""
    varying = samples[:, np.ptp(samples, axis=0) > 0]
    n = varying.shape[1]
    if n < FEWEST or len(samples) < n + FEWEST:
        return Missing(f"{len(samples)} samples of {n} variables that vary; needs {FEWEST} variables and more samples")
    matrix = copula_correlations(varying)
    values = []
    for size in range(FEWEST, n + 1):
        chosen = np.array(list(itertools.combinations(range(n), size)))
        values.append(o_information(matrix[chosen[:, :, None], chosen[:, None, :]]))
    every = np.concatenate(values)
    return Extremes(float(every.min()), float(every.max()))


def _half_log_det(matrix: Float[np.ndarray, "*batch variable variable"]) -> Float[np.ndarray, "*batch"]:
    sign, log = np.linalg.slogdet(matrix)
    if not (sign > 0).all():
        raise ValueError("correlations must form a positive definite matrix")
    return log / 2

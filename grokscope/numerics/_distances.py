"""Distances between the points of a cloud: Euclidean, by effective resistance, or a matrix that came from outside.

Source: Damrich, Berens & Kobak 2024, arXiv:2311.03087, for the effective resistance; von Luxburg, Radl & Hein 2014,
arXiv:1003.1266, for its correction; Torgerson 1952, doi:10.1007/BF02288916, for classical scaling.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics._points import cloud

Matrix = Float[np.ndarray, "point point"]
Rows = Float[np.ndarray, "point channel"]
Metric = Literal["euclidean", "resistance", "precomputed"]

FEWEST = 10  # distinct points: below, no ratio can be told from the surrogates'
# Equal distances (a lattice, an even circle) differ by rounding; a bar that short is no bar. Without this their number,
# and with it every p-value, would depend on the order of the points.
ROUNDING = 1e-9
SAME = 1e-10  # of the largest distance: nearer points are one point, as they were before rounding
ASYMMETRY = 1e-6  # of the largest distance: how far rounding may leave a matrix from a symmetric one of diagonal 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """The distinct points of a cloud, centred, and their distances.

    between: the same metric on other points. unit: the exponent of two that turns the distances into the caller's.
    """

    rows: Rows
    distances: Matrix
    between: Callable[[Rows], Matrix]
    unit: int


def measured_cloud(points: Any, metric: Metric, neighbours: int) -> Measured | Missing:
    """The points and distances that Betti numbers are read from; `Missing` for fewer than 10 distinct points."""
    if metric == "precomputed":
        rows, distances = None, distance_matrix(points)
    else:
        rows = cloud(points)
        distances = euclidean(rows)
    kept = _distinct(distances)
    if len(kept) < FEWEST:
        return Missing(f"{len(kept)} distinct points; Betti numbers need at least {FEWEST}")
    unit = unit_exponent(points, rows) if metric == "euclidean" and rows is not None else 0
    distances = distances[np.ix_(kept, kept)]
    rows = coordinates(distances) if rows is None else rows[kept] - rows[kept].mean(0)
    between = distance_function(metric, neighbours, len(rows))
    distances = between(rows) if metric == "resistance" else distances
    return Measured(rows=rows, distances=distances, between=between, unit=unit)


def euclidean(rows: Rows) -> Matrix:
    """Distances by explicit differences: x^2 + y^2 - 2 x y loses half of the digits of the short ones."""
    from scipy.spatial.distance import pdist, squareform

    return squareform(pdist(rows)) if len(rows) else np.empty((0, 0))


def resistance(rows: Rows, neighbours: int) -> Matrix:
    """Corrected effective resistance between the points in their symmetric graph of nearest neighbours, 1.

        r_ij = L+_ii + L+_jj - 2 L+_ij - 1/d_i - 1/d_j + 2 a_ij / (d_i d_j)

    a_ij: 1 where i is among the k nearest neighbours of j or j among those of i; neighbours at equal distance all
    count. d: degrees. L+: pseudoinverse of the Laplacian. No current flows between components of the graph: their
    distance is twice the largest within one. In noise of many channels all distances become alike, while the number of
    paths between two points still differs. A cloud of at most k points has all others as neighbours.
    """
    from scipy.sparse.csgraph import connected_components

    neighbours = min(neighbours, len(rows) - 1)
    distances = euclidean(rows)
    np.fill_diagonal(distances, np.inf)
    reach = np.partition(distances, neighbours - 1, axis=1)[:, neighbours - 1, None] * (1 + ROUNDING)
    adjacency = ((distances <= reach) | (distances <= reach.T)).astype(float)
    degree = adjacency.sum(1)
    count, label = connected_components(adjacency, directed=False)
    together = label[:, None] == label[None, :]
    # Adding 1 / size within each component makes the Laplacian invertible. It shifts the pseudoinverse by a constant
    # there, which the differences cancel.
    inverse = np.linalg.inv(np.diag(degree) - adjacency + together / together.sum(1))
    own = np.diag(inverse)
    resistance = own[:, None] + own[None, :] - inverse - inverse.T
    correction = 1 / degree[:, None] + 1 / degree[None, :] - 2 * adjacency / (degree[:, None] * degree[None, :])
    resistance = np.maximum(resistance - correction, 0.0)
    np.fill_diagonal(resistance, 0.0)
    if count > 1:
        resistance[~together] = 2 * resistance[together].max()
    return resistance


def distance_function(metric: str, neighbours: int, n: int) -> Callable[[Rows], Matrix]:
    """The map from points to distances that a metric's name stands for. "precomputed": of surrogates, Euclidean.

    ValueError for an unknown name, and for a number of neighbours that n points do not have.
    """
    if metric not in get_args(Metric):
        raise ValueError(f"metric must be one of {', '.join(get_args(Metric))}, got {metric!r}")
    if metric != "resistance":
        return euclidean
    if not 1 <= neighbours < n:
        raise ValueError(f"neighbours must be at least 1 and fewer than the {n} distinct points, got {neighbours}")
    return partial(resistance, neighbours=neighbours)


def distance_matrix(matrix: Any) -> Matrix:
    """A matrix from outside, made exactly symmetric; ValueError where it is off by more than rounding."""
    distances = cloud(matrix, centre=False, what="distances")
    if distances.shape[0] != distances.shape[1]:
        raise ValueError(f"distances must be a symmetric matrix, got shape {distances.shape}")
    largest = float(np.abs(distances).max())
    for what, wrong in (
        ("differ from their transpose", np.abs(distances - distances.T)),
        ("of points to themselves are not 0, but", np.abs(np.diag(distances))),
        ("are negative", np.maximum(-distances, 0)),
    ):
        if wrong.max() > ASYMMETRY * largest:
            raise ValueError(
                f"distances {what} by up to {wrong.max():.3g}, {wrong.max() / largest:.1g} of the largest; expected a "
                f"symmetric matrix without negative entries, its diagonal 0, up to {ASYMMETRY:g} of the largest"
            )
    distances = np.maximum((distances + distances.T) / 2, 0.0)
    np.fill_diagonal(distances, 0.0)
    return distances


def _distinct(distances: Matrix) -> Int[np.ndarray, " kept"]:
    """The points that repeat none before them."""
    return np.flatnonzero(~np.tril(distances <= SAME * distances.max(initial=0.0), -1).any(1))


def coordinates(distances: Matrix) -> Rows:
    """Centred points with these distances, by classical multidimensional scaling; exact for Euclidean distances.

    Rows of V sqrt(L), where V L V^T = -1/2 J D^2 J, J the centring. Negative eigenvalues are left out; Euclidean
    distances have none.
    """
    largest = distances.max(initial=0.0) or 1.0
    squares = np.square(distances / largest)
    gram = -(squares - squares.mean(0) - squares.mean(1, keepdims=True) + squares.mean()) / 2
    values, vectors = np.linalg.eigh(gram)
    positive = values > values[-1] * len(values) * np.finfo(float).eps
    return largest * vectors[:, positive] * np.sqrt(values[positive])


def unit_exponent(points: Any, rows: Rows) -> int:
    """The power of two by which `cloud` divided the points."""
    raw = cloud(points, centre=False) / 2  # half: the spread of doubles may exceed the largest of them
    if len(rows) == 0 or not (spread := np.ptp(rows, axis=0)).any():
        return 0
    widest = int(spread.argmax())
    top, bottom = rows[:, widest].argmax(), rows[:, widest].argmin()
    ratio = (np.log2(raw[top, widest] - raw[bottom, widest]) - np.log2(spread[widest])) + 1
    return int(np.rint(ratio))

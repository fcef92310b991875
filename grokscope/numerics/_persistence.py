"""Distances between points and the persistence diagrams of their Vietoris-Rips complexes.

Source: Bauer 2021, arXiv:1908.02518 (Ripser, of which gudhi carries a fork); Damrich, Berens & Kobak 2024,
arXiv:2311.03087, for the effective resistance; von Luxburg, Radl & Hein 2014, arXiv:1003.1266, for its correction.
"""

import io
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing

Matrix = Float[np.ndarray, "point point"]
Bars = Float[np.ndarray, "bar 2"]

DIMENSIONS = (0, 1, 2)
LARGEST = 2000  # points; at 2000 the loops of one cloud take half a minute and gigabytes
# Equal distances (a lattice, an even circle) differ by rounding; a bar that short is no bar. Without this their number,
# and with it every p-value, would depend on the order of the points.
ROUNDING = 1e-9


def euclidean(points: Float[np.ndarray, "point channel"]) -> Matrix:
    """Distances by explicit differences: x^2 + y^2 - 2 x y loses half of the digits of the short ones."""
    from scipy.spatial.distance import pdist, squareform

    return squareform(pdist(points))


def effective_resistance(points: Float[np.ndarray, "point channel"], neighbours: int) -> Matrix:
    """Corrected effective resistance between the points in the graph of the k nearest neighbours of each, symmetrised.

        r_ij = L+_ii + L+_jj - 2 L+_ij - 1/d_i - 1/d_j + 2 a_ij / (d_i d_j)

    a: 1 where i is among the neighbours of j or j among those of i, all of them where several are equally far; d:
    degrees; L+: pseudoinverse of the Laplacian. Between components, where no current flows: twice the largest within.
    """
    from scipy.sparse.csgraph import connected_components

    neighbours = min(neighbours, len(points) - 1)  # of a component there may be fewer
    distances = euclidean(points)
    np.fill_diagonal(distances, np.inf)
    reach = np.partition(distances, neighbours - 1, axis=1)[:, neighbours - 1, None] * (1 + ROUNDING)
    adjacency = ((distances <= reach) | (distances <= reach.T)).astype(float)
    degree = adjacency.sum(1)
    count, label = connected_components(adjacency, directed=False)
    together = label[:, None] == label[None, :]
    # Adding 1 / size within each component makes the Laplacian invertible; it shifts the pseudoinverse by the same
    # constant there, which the differences cancel.
    inverse = np.linalg.inv(np.diag(degree) - adjacency + together / together.sum(1))
    own = np.diag(inverse)
    resistance = own[:, None] + own[None, :] - inverse - inverse.T
    correction = 1 / degree[:, None] + 1 / degree[None, :] - 2 * adjacency / (degree[:, None] * degree[None, :])
    resistance = np.maximum(resistance - correction, 0.0)
    np.fill_diagonal(resistance, 0.0)
    if count > 1:
        resistance[~together] = 2 * resistance[together].max()
    return resistance


def diagrams(distances: Sequence[Matrix], dimensions: Sequence[int]) -> list[list[Bars]]:
    """The bars [birth, death] of each matrix in each dimension, the longest first, coefficients in Z/11.

    Only the lower triangle is read: gudhi runs out of memory on a matrix that rounding left asymmetric.
    """
    from gudhi.sklearn import RipsPersistence

    rips = RipsPersistence(homology_dimensions=list(dimensions), input_type="lower distance matrix")
    return [[_sorted(np.asarray(bars)) for bars in one] for one in rips.fit_transform(list(distances))]


def _sorted(bars: Bars) -> Bars:
    bars = bars.reshape(-1, 2)
    bars = bars[bars[:, 1] > bars[:, 0] * (1 + ROUNDING)]
    # The length decides, and between equal lengths the birth: never the order of the points.
    return bars[np.lexsort((bars[:, 0], -(bars[:, 1] - bars[:, 0])))]


def diagrams_within(
    distances: Sequence[Matrix], dimensions: Sequence[int], seconds: float | None
) -> list[list[Bars]] | Missing:
    """The same in at most `seconds`: in a child process, because nothing stops the computation from within."""
    if seconds is None:
        return diagrams(distances, dimensions)
    late = Missing(f"homology of dimension {max(dimensions)} took more than the {max(seconds, 0):.3g} s that were left")
    if seconds <= 0:
        return late
    sent = io.BytesIO()
    np.savez(sent, *distances, dimensions=np.array(dimensions))
    child = [sys.executable, "-c", "from grokscope.numerics._persistence import child; child()"]
    try:
        done = subprocess.run(child, input=sent.getvalue(), capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return late
    if done.returncode != 0:
        return Missing(f"homology of dimension {max(dimensions)} failed: {done.stderr.decode()[-200:].strip()}")
    with np.load(io.BytesIO(done.stdout)) as received:
        return [[received[f"{i}_{d}"] for d in dimensions] for i in range(len(distances))]


def child() -> None:
    """The other side of `diagrams_within`: matrices on stdin, bars on stdout."""
    with np.load(io.BytesIO(sys.stdin.buffer.read())) as received:
        dimensions = received["dimensions"].tolist()
        distances = [received[f"arr_{i}"] for i in range(len(received.files) - 1)]
    answer = diagrams(distances, dimensions)
    sent = io.BytesIO()
    named: dict[str, Any] = {f"{i}_{d}": one[j] for i, one in enumerate(answer) for j, d in enumerate(dimensions)}
    np.savez(sent, **named)
    sys.stdout.buffer.write(sent.getvalue())


def coordinates(distances: Matrix) -> Float[np.ndarray, "point channel"]:
    """Centred points with these distances, by classical multidimensional scaling; exact for Euclidean distances.

    Rows of V sqrt(L), where V L V^T = -1/2 J D^2 J, J the centring; negative eigenvalues, of which Euclidean distances
    have none, are left out.
    """
    largest = distances.max(initial=0.0) or 1.0
    squares = np.square(distances / largest)
    gram = -(squares - squares.mean(0) - squares.mean(1, keepdims=True) + squares.mean()) / 2
    values, vectors = np.linalg.eigh(gram)
    kept = values > values[-1] * len(values) * np.finfo(float).eps
    return largest * vectors[:, kept] * np.sqrt(values[kept])


def distance_function(metric: str, neighbours: int) -> Callable[[Float[np.ndarray, "point channel"]], Matrix]:
    """The map from points to distances that a metric's name stands for; a cloud's own may be given instead."""
    if metric == "resistance":
        return lambda points: effective_resistance(points, neighbours)
    return euclidean

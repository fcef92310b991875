"""Distances to nearest neighbours, exact in float64.

    |x - y|^2 = |x|^2 + |y|^2 - 2 x y

finds the candidates by one matrix product. Its rounding error is up to a few 1e-16 of the cloud's size, not of the
distance. So the candidates' distances are then summed from differences. Where the error could still hide a neighbour
(tight clusters far apart), all distances of that point are summed from differences.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.numerics._points import cloud

# Rows of the distance matrix in work together: 512 x 12,769 in float64 are 52 MB.
BLOCK = 512
# Candidates beyond the k asked for: the order of near ties may differ between product and differences.
SPARE = 8
# A squared distance may be wrong by this share of itself before all differences are summed instead.
TOLERANCE = 1e-9


def distinct(points: Float[np.ndarray, "point channel"]) -> Float[np.ndarray, "kept channel"]:
    """The points without repetitions, in order of first appearance; -0 and 0 are the same."""
    rows = np.ascontiguousarray(points + 0.0)
    _, first = np.unique(rows.view([("", f"V{rows.itemsize * rows.shape[1]}")]).ravel(), return_index=True)
    return points[np.sort(first)]


def merged(
    points: Float[np.ndarray, "point channel"],
    distances: Float[np.ndarray, "point k"],
    indices: Int[np.ndarray, "point k"],
    *,
    reach: float,
) -> tuple[Float[np.ndarray, "kept channel"], tuple[Float[np.ndarray, "kept k"], Int[np.ndarray, "kept k"]]]:
    """Merges points nearer than `reach` to each other, in chains too, into the first; gives the rest with neighbours.

    distances, indices: each point's nearest, as `neighbours_of_rows` gives them. More than k copies of a point take
    another turn. Where nothing is near, nothing is done. If one point is left, its neighbours are those of before.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    k = distances.shape[1]
    while len(points) > 1 and bool((near := distances < reach).any()):
        row, column = np.nonzero(near)
        joined = csr_array((np.ones(len(row)), (row, indices[row, column])), shape=(len(points), len(points)))
        _, component = connected_components(joined, directed=False)
        points = points[np.sort(np.unique(component, return_index=True)[1])]
        if len(points) > 1:
            distances, indices = neighbours_of_rows(points, min(k, len(points) - 1))
    return points, (distances, indices)


def neighbours(points: Any, k: int) -> tuple[Float[np.ndarray, "point k"], Int[np.ndarray, "point k"]]:
    """Distances to the k nearest other points, ascending, and their indices.

    points: (point, channel), any real dtype; k < number of points. Distances are those of `numerics._points.cloud`:
    in units of a power of two near the cloud's size. O(n^2 d) operations, memory 512 n.
    """
    return neighbours_of_rows(cloud(points), k)


def neighbours_of_rows(
    points: Float[np.ndarray, "point channel"], k: int
) -> tuple[Float[np.ndarray, "point k"], Int[np.ndarray, "point k"]]:
    """`neighbours` of points that `numerics._points.cloud` has made, or of some of them."""
    rows = torch.from_numpy(points)
    n, dimension = rows.shape
    if not 1 <= k < n:
        raise ValueError(f"k must lie in 1..{n - 1} for {n} points, got {k}")
    squares = rows.square().sum(1, keepdim=True)
    # gamma (|x| + |y|)^2: the error bound of a sum of d + 2 products.
    bound = 4 * (dimension + 6) * 2.0**-53 * float(squares.max())
    ones = torch.ones_like(squares)
    left, right = torch.cat([-2 * rows, ones, squares], 1), torch.cat([rows, squares, ones], 1).T
    distances, indices = torch.empty(n, k, dtype=torch.float64), torch.empty(n, k, dtype=torch.int64)
    buffer = torch.empty(min(BLOCK, n), n, dtype=torch.float64)
    for start in range(0, n, BLOCK):
        here = torch.arange(start, min(start + BLOCK, n))
        block = torch.mm(left[start : start + BLOCK], right, out=buffer[: len(here)])
        block[torch.arange(len(here)), here] = torch.inf
        near, candidates = block.topk(min(k + SPARE, n - 1), largest=False)
        exact = _differences(rows, here, candidates)
        squared, order = exact.topk(k, largest=False)
        chosen = candidates.gather(1, order)
        # A point left out has a true squared distance of at least near[-1] - bound.
        hidden = (squared[:, -1] > near[:, -1] - bound) & (bound > TOLERANCE * squared[:, 0])
        if near.shape[1] < n - 1 and bool(hidden.any()):
            squared[hidden], chosen[hidden] = _all_differences(rows, here[hidden], k)
        distances[here], indices[here] = squared.sqrt(), chosen
    return distances.numpy(), indices.numpy()


def _differences(
    rows: Float[Tensor, "point channel"], of: Int[Tensor, " some"], candidates: Int[Tensor, "some candidate"]
) -> Float[Tensor, "some candidate"]:
    """Squared distances to the candidates from differences, a few rows at a time to stay in the cache."""
    squared = torch.empty(candidates.shape, dtype=torch.float64)
    step = max(1, (1 << 18) // (candidates.shape[1] * rows.shape[1]))
    for start in range(0, len(of), step):
        part = slice(start, start + step)
        apart = rows[candidates[part]].sub_(rows[of[part], None])
        squared[part] = torch.linalg.vector_norm(apart, dim=-1).square_()
    return squared


def _all_differences(
    rows: Float[Tensor, "point channel"], of: Int[Tensor, " some"], k: int
) -> tuple[Float[Tensor, "some k"], Int[Tensor, "some k"]]:
    """The k least squared distances of some points, from the differences to all others, and where they are."""
    least, chosen = torch.empty(len(of), k, dtype=torch.float64), torch.empty(len(of), k, dtype=torch.int64)
    for index, row in enumerate(of.tolist()):
        squared = (rows - rows[row]).square_().sum(-1)
        squared[row] = torch.inf
        least[index], chosen[index] = squared.topk(k, largest=False)
    return least, chosen

"""Distances to nearest neighbours, exact in float64.

    |x - y|^2 = |x|^2 + |y|^2 - 2 x y

finds the candidates by one matrix product. Its rounding error is up to a few 1e-16 of the cloud's size, not of the
distance. So the candidates' distances are then summed from differences. Where the error could still hide a neighbour
(tight clusters far apart), all distances of that point are summed from differences.
"""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.numerics._points import cloud
from grokscope.numerics.products import products

# Rows of the distance matrix in work together: 512 x 12,769 in float64 are 52 MB.
BLOCK = 512
# Candidates beyond the k asked for: the order of near ties may differ between product and differences.
SPARE = 8
# Columns whose least value is looked at together, at most: of 3,481 values some 44 lie below the 40th of these.
GROUP = 16
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
    """The same of points as `numerics._points.cloud` makes them, or some of these."""
    rows = torch.from_numpy(points)
    n = len(rows)
    if not 1 <= k < n:
        raise ValueError(f"k must lie in 1..{n - 1} for {n} points, got {k}")
    distances, indices = torch.empty(n, k, dtype=torch.float64), torch.empty(n, k, dtype=torch.int64)
    factors = cache(partial(_Factors.of, rows))
    for start in range(0, n, BLOCK):
        unsure = torch.arange(start, min(start + BLOCK, n))
        for dtype in (torch.float32, torch.float64):
            if len(unsure):
                squared, chosen, sure = _nearest(rows, factors(dtype), unsure, k)
                distances[unsure[sure]], indices[unsure[sure]] = squared[sure].sqrt(), chosen[sure]
                unsure = unsure[~sure]
        for row in unsure.tolist():
            squared = (rows - rows[row]).square_().sum(-1)
            squared[row] = torch.inf
            near, indices[row] = squared.topk(k, largest=False)
            distances[row] = near.sqrt()
    return distances.numpy(), indices.numpy()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Factors:
    """Rows and columns whose product is the squared distances, and how far each of these may be wrong."""

    left: Float[Tensor, "point column"]
    right: Float[Tensor, "column point"]
    bound: float

    @classmethod
    def of(cls, rows: Float[Tensor, "point channel"], dtype: torch.dtype) -> "_Factors":
        squares = rows.square().sum(1, keepdim=True)
        ones = torch.ones_like(squares)
        left, right = torch.cat([-2 * rows, ones, squares], 1), torch.cat([rows, squares, ones], 1).T
        # gamma (|x| + |y|)^2: the error bound of a sum of d + 2 products.
        bound = 2 * (rows.shape[1] + 6) * torch.finfo(dtype).eps * float(squares.max())
        return cls(left=left.to(dtype), right=right.to(dtype), bound=bound)


def _nearest(
    rows: Float[Tensor, "point channel"], factors: _Factors, here: Int[Tensor, " some"], k: int
) -> tuple[Float[Tensor, "some k"], Int[Tensor, "some k"], Bool[Tensor, " some"]]:
    """Squared distances to the nearest of some points, their indices, and where the product's error can have hidden
    none that is nearer."""
    block = torch.empty(1, len(here), len(rows), dtype=factors.left.dtype)
    block = products(factors.left[None, here], factors.right[None], block)[0]
    block[torch.arange(len(here)), here] = torch.inf
    n_candidates = min(k + SPARE, len(rows) - 1)
    candidates, last = _smallest(block.numpy(), n_candidates)
    exact, order = _differences(rows, here, candidates).topk(k, largest=False)
    # A point left out has a true squared distance of at least last - bound.
    hidden = (exact[:, -1] > last - factors.bound) & (factors.bound > TOLERANCE * exact[:, 0])
    return exact, candidates.gather(1, order), ~hidden | (n_candidates == len(rows) - 1)


def _smallest(block: Float[np.ndarray, "row column"], k: int) -> tuple[Int[Tensor, "row k"], Float[Tensor, " row"]]:
    """The places of the k smallest values of each row, in any order, and the largest of these values.

    The k-th of the least values of groups of columns bounds the k-th of all; few values lie below it. Selecting among
    these alone takes a sixth of the time of numpy's partition, which is ten times faster than torch's topk.
    """
    n_rows, n = block.shape
    size = max(1, min(GROUP, n // (2 * k)))
    least = block[:, : n // size * size].reshape(n_rows, size, -1).min(1)
    bound = np.partition(least, k - 1, axis=1)[:, k - 1]
    found = np.flatnonzero(block <= bound[:, None])
    rows, values = found // n, block.ravel()[found]
    counts = np.bincount(rows, minlength=n_rows)
    among = np.full((n_rows, counts.max()), np.inf, block.dtype)
    among[rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)] = values
    last = np.partition(among, k - 1, axis=1)[:, k - 1]
    places = found[values <= last[rows]] % n
    if len(places) > n_rows * k:  # ties
        places = np.argpartition(block, k - 1, axis=1)[:, :k]
    return torch.from_numpy(places.reshape(n_rows, k)), torch.from_numpy(last).double()


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

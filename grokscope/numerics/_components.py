"""The components of a cloud: its minimum spanning tree, and which of its edges are gaps between components."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from grokscope.numerics._distances import ROUNDING, Matrix

PART = 3  # points: a smaller part is an outlier, not a component


@dataclass(frozen=True, kw_only=True, eq=False)
class Components:
    """The gaps of a cloud and its parts.

    lengths: of the n - 1 edges of the minimum spanning tree, the longest first. p_values: of each edge as a gap.
    labels: the component of each point; that of the first point is 0.
    """

    lengths: Float[np.ndarray, " edge"]
    p_values: Float[np.ndarray, " edge"]
    labels: Int[np.ndarray, " point"]

    @property
    def number(self) -> int:
        """How many components there are."""
        return int(self.labels.max()) + 1


def components(distances: Matrix, level: float) -> Components:
    """Which edges of the minimum spanning tree are gaps, p-values corrected for n - 1 edges; see `topology.betti`."""
    lengths, ends = spanning_tree(distances)
    n, edges = len(distances), len(lengths)
    part, size, p_values = np.arange(n), np.ones(n, dtype=int), np.ones(edges)
    for edge in reversed(range(edges)):
        sides = part[ends[edge]]
        if size[sides].min() >= PART:
            chances = [
                _chance(distances[end, part == side], lengths[edge])
                for end, side in zip(ends[edge], sides, strict=True)
            ]
            p_values[edge] = min(1.0, edges * max(chances))
        small, large = sides[np.argsort(size[sides], kind="stable")]
        part[part == small] = large
        size[large] += size[small]
    return Components(lengths=lengths, p_values=p_values, labels=_labels(n, ends[p_values >= level]))


def _chance(distances: Float[np.ndarray, " side"], gap: float) -> float:
    """Chance of a gap this wide, judged by one side. distances: of its points to its end at the gap, which is one."""
    near = distances < gap * (1 - ROUNDING)
    nearer = max(int(near.sum()) - 1, 0)
    farthest = max(float(distances.max()), np.finfo(float).tiny) if near.all() else float(gap)
    return (1 + float(gap) / farthest) ** -nearer


def _labels(n: int, edges: Int[np.ndarray, "edge 2"]) -> Int[np.ndarray, " point"]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(int)


def spanning_tree(distances: Matrix) -> tuple[Float[np.ndarray, " edge"], Int[np.ndarray, "edge 2"]]:
    """Edges of the minimum spanning tree, the longest first, and the points they join.

    The lengths are the finite deaths of H0. Prim's rule is ours because scipy takes a distance of 0 for no edge.
    """
    n = len(distances)
    lengths, ends = np.empty(max(n - 1, 0)), np.empty((max(n - 1, 0), 2), dtype=int)
    reach, near = np.full(n, np.inf), np.zeros(n, dtype=int)  # distance from the tree, and to which of its points
    outside, last = np.ones(n, dtype=bool), 0
    for step in range(n - 1):
        outside[last] = False
        nearer = outside & (distances[last] < reach)
        reach[nearer], near[nearer] = distances[last, nearer], last
        last = int(np.where(outside, reach, np.inf).argmin())
        lengths[step], ends[step] = reach[last], (near[last], last)
    order = np.argsort(-lengths, kind="stable")
    return lengths[order], ends[order]

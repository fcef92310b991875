"""Circular coordinates: angles of a cloud's points along its loops, from persistent cohomology and nothing else.

A loop of the cloud is a class in H^1(Rips_t; Z). Up to deformation, such a class is a map to the circle: a cochain z on
the edges no longer than t, integer, with z(uw) = z(uv) + z(vw) on every triangle. The smoothest of these maps is

    theta = f mod 1,    f = argmin sum_uv w_uv (f_v - f_u - z_uv)^2,

in turns. Several classes give coordinates of a torus. A lattice reduction of the classes, under the same inner product,
makes them as independent as they can be.

Source: de Silva, Morozov & Vejdemo-Johansson 2011, "Persistent cohomology and circular coordinates"; Perea 2020,
"Sparse circular coordinates via principal Z-bundles" (points beside the landmarks); Scoccola et al. 2023,
arXiv:2212.07201, "Toroidal coordinates" (several classes). We depart in the weights: those papers weigh every edge
equally or by its length, and points then crowd the angle where the cloud is dense (coherence with the arc length of a
circle sampled by a von Mises law of concentration 1, n = 200, mean of ten: 0.61 with equal weights, 0.99 with ours).
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics._cocycles import ROUNDING, Edges, integer_cocycles, loops
from grokscope.numerics._distances import Matrix, Rows, euclidean, unit_exponent
from grokscope.numerics._points import cloud
from grokscope.numerics.neighbours import distinct

# The scale of the angles: birth + POSITION (death - birth). Lower, the cloud is a net with holes (2-tori, n = 300: mean
# coherence 0.94 at 0.15, 0.98 here); higher, edges take short cuts (8 trefoils in R^64, n = 250, uneven: mean 0.91
# here, 0.69 at 0.4, 0.35 at 0.7).
POSITION = 0.25
# Fewer distinct points say nothing about a loop.
FEWEST = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Coordinates:
    """Angles of points along n loops.

    angles: in turns, [0, 1), each up to a rotation and a reflection. For n > 1 they are reduced combinations of the
    loops; their order does not match that of the bars. A connected component at `scale` that a loop does not pass has
    one angle.
    bars: birth and death of the n loops of the largest death / birth, in the units of the points.
    scale: length of the longest edge used, in the units of the points.
    """

    angles: Float[np.ndarray, "loop point"]
    bars: Float[np.ndarray, "loop 2"]
    scale: float


def circular_coordinates(points: Any, *, n: int = 1, max_points: int = 300, seed: int = 0) -> Coordinates | Missing:
    """Angles of the points (point, channel) along the n loops that persist longest, by death / birth.

    Of more than `max_points` points the loops are those of as many maxmin landmarks; the first landmark is drawn with
    `seed`. Every point gets Perea's average of the angles of the landmarks within half the scale, or the angle of the
    nearest landmark where there is none. Maxmin keeps outliers: compare seeds.

    `numerics.topology.betti` says whether a loop is more than noise: a bar of ratio 1.2 has angles too. Two loops of
    one cloud are known up to a change of basis. With n = 1 the angle of a torus may wind around both loops: a clock of
    frequencies 33 and 53 answers 20 = 53 - 33. n = 2 names both.

    Missing: fewer than 10 distinct points, fewer than n loops, or loops that are nowhere present together. ValueError:
    points that `numerics._points.cloud` refuses, n < 1, max_points < 10. O(max_points^3) operations at least.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1 loop, got {n}")
    if max_points < FEWEST:
        raise ValueError(f"max_points must be at least {FEWEST}, got {max_points}")
    rows = cloud(points)
    if len(distinct(rows)) < FEWEST:
        return Missing(f"a loop needs at least {FEWEST} distinct points")
    landmarks = _landmarks(rows, max_points, seed)
    distances = euclidean(rows[landmarks])
    chosen = loops(distances, keep=n)
    if len(chosen) < n:
        return Missing(f"the cloud has {len(chosen)} loops, {n} were asked for")
    birth, death = max(loop.birth for loop in chosen), min(loop.death for loop in chosen)
    if not birth * (1 + ROUNDING) < death:
        return Missing("the loops are never there at the same scale: the last is born after the first is filled")
    scale = birth + (death - birth) * POSITION
    edges = (distances <= scale) & ~np.eye(len(landmarks), dtype=bool)
    cocycles = integer_cocycles(chosen, edges)
    if cocycles is None:
        return Missing("no integer cocycles were found for the loops: they are there mod 47 only, or wind too often")
    angles, steps = _smooth(cocycles, _weights(distances, edges, birth))
    if len(landmarks) < len(rows):
        angles = _extend(angles, steps, _away(rows, rows[landmarks]), scale / 2)
    unit = unit_exponent(points, rows)
    bars = np.array([(loop.birth, loop.death) for loop in chosen])
    return Coordinates(angles=angles % 1 % 1, bars=np.ldexp(bars, unit), scale=float(np.ldexp(scale, unit)))


def _weights(distances: Matrix, edges: Edges, width: float) -> Matrix:
    """Heat kernel divided by the density at both ends: dense stretches do not weigh more than sparse ones.

    w_uv = k_uv / (q_u q_v),  q_u = sum_v k_uv,  k_uv = exp(-d_uv^2 / (2 width^2)) on the edges and u = v: the
    normalisation of Coifman & Lafon 2006, "Diffusion maps", alpha = 1. The width is the loop's birth, its widest gap.
    """
    kernel = np.exp(-0.5 * (distances / width) ** 2) * edges
    density = 1 + kernel.sum(1)
    return kernel / density[:, None] / density


def _smooth(
    cocycles: Int[np.ndarray, "loop point point"], weights: Matrix
) -> tuple[Float[np.ndarray, "loop point"], Float[np.ndarray, "loop point point"]]:
    """Angles f of the reduced classes, and their harmonic cocycles f_v - f_u - z_uv, the small steps of the angles."""
    from scipy.sparse.csgraph import connected_components

    weights = weights / weights.sum(1).mean()
    _, component = connected_components(weights)
    together = component[:, None] == component
    # A constant on each component costs nothing; the second term makes it 0.
    laplacian = np.diag(weights.sum(1)) - weights + together / len(weights)
    angles = np.linalg.solve(laplacian, (weights * cocycles).sum(1).T).T
    steps = angles[:, None, :] - angles[:, :, None] - cocycles
    gram = np.einsum("iuv,juv,uv->ij", steps, steps, weights)
    basis = _reduced(gram)
    return basis @ angles, np.einsum("ij,juv->iuv", basis, steps)


def _reduced(gram: Float[np.ndarray, "loop loop"]) -> Int[np.ndarray, "loop loop"]:
    """A unimodular matrix whose rows are a short basis of the lattice of this Gram matrix.

    Minkowski's conditions: no row becomes shorter by adding others times -1, 0 or 1. Up to 4 loops they define the
    shortest basis there is (Minkowski; Nguyen & Stehle 2009, "Low-dimensional lattice basis reduction revisited").
    """
    n = len(gram)
    basis = np.eye(n, dtype=np.int64)
    changed = n > 1
    while changed:
        changed = False
        for row in range(n):
            tries = np.array([signs for signs in product((-1, 0, 1), repeat=n) if signs[row] == 1])
            rows = tries @ basis
            length = np.einsum("ti,ij,tj->t", rows, gram, rows)
            own = basis[row] @ gram @ basis[row]
            if length.min() < own * (1 - ROUNDING):
                basis[row] = rows[length.argmin()]
                changed = True
    return basis


def _landmarks(rows: Rows, number: int, seed: int) -> Int[np.ndarray, " landmark"]:
    """Maxmin landmarks, by distances fast enough for many points (`_away`); all points if they are few enough."""
    if len(rows) <= number:
        return np.arange(len(rows))
    squares = np.square(rows).sum(1)
    chosen = [int(np.random.default_rng(seed).integers(len(rows)))]
    nearest = np.full(len(rows), np.inf)
    while len(chosen) < number:
        last = chosen[-1]
        nearest = np.minimum(nearest, squares + squares[last] - 2 * rows @ rows[last])
        chosen.append(int(nearest.argmax()))
    return np.array(chosen)


def _away(rows: Rows, others: Rows) -> Float[np.ndarray, "point other"]:
    """Distances by a matrix product: wrong by 1e-8 of the cloud's size, exact enough to weigh landmarks."""
    squares = np.square(rows).sum(1)[:, None] + np.square(others).sum(1) - 2 * rows @ others.T
    return np.sqrt(np.maximum(squares, 0))


def _extend(
    angles: Float[np.ndarray, "loop landmark"],
    steps: Float[np.ndarray, "loop landmark landmark"],
    away: Float[np.ndarray, "point landmark"],
    radius: float,
) -> Float[np.ndarray, "loop point"]:
    """Perea 2020: f(x) = f_j + sum_k phi_k(x) h_jk, j the nearest landmark, phi_k in proportion to max(0, r - |x - k|).

    Landmarks within r of x are within 2 r of each other, where the harmonic cocycle h is defined.
    """
    nearest = away.argmin(1)
    share = np.maximum(radius - away, 0)
    share /= np.maximum(share.sum(1), np.finfo(float).tiny)[:, None]
    return angles[:, nearest] + np.einsum("xk,lxk->lx", share, steps[:, nearest])

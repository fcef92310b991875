"""Circular coordinates: angles of a cloud's points along its loops, from persistent cohomology and nothing else.

A loop of the cloud is a class in H^1(Rips_t; Z), and such a class is a map to the circle up to deformation: a cochain z
on the edges no longer than t, integer, with z(uw) = z(uv) + z(vw) on every triangle. The smoothest of these maps is

    theta = f mod 1,    f = argmin sum_uv w_uv (f_v - f_u - z_uv)^2,

in turns. Several classes give coordinates of a torus; a lattice reduction of the classes under the same inner product
makes them as independent as they can be.

Source: de Silva, Morozov & Vejdemo-Johansson 2011, "Persistent cohomology and circular coordinates"; Perea 2020,
"Sparse circular coordinates via principal Z-bundles" (points beside the landmarks); Scoccola et al. 2023,
arXiv:2212.07201, "Toroidal coordinates" (several classes). We depart in the weights: those papers weigh every edge
equally or by its length, and points then crowd the angle where the cloud is dense (coherence with the arc length of a
circle sampled by a von Mises law of concentration 1, n = 200, mean of ten: 0.61 with equal weights, 0.99 with ours).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from grokscope.errors import Missing
from grokscope.numerics._points import cloud, real
from grokscope.numerics.neighbours import distinct

# The field Z_q in which cocycles are computed: the prime of de Silva et al. Values lie in -23..23, and a difference of
# two fits eight bits.
PRIME = 47
# A loop that ends within this share of its birth is the rounding of equal distances.
ROUNDING = 1e-9
# The scale of the angles: birth + POSITION (death - birth). Lower, the cloud is a net with holes (2-tori, n = 300: mean
# coherence 0.94 at 0.15, 0.98 here); higher, edges take short cuts (8 trefoils in R^64, n = 250, uneven: mean 0.91
# here, 0.69 at 0.4, 0.35 at 0.7).
POSITION = 0.25
# Fewer distinct points say nothing about a loop.
FEWEST = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Loop:
    """A bar of H^1 of the Rips filtration with its cocycle.

    birth, death: lengths of the edges that close and fill the loop. cocycle[u, v] = -cocycle[v, u]: values mod 47 in
    -23..23, on the edges shorter than `death`; 0 elsewhere, and on the edges that join two components. edge: the one
    that closes the loop, where the cocycle is 1.
    """

    birth: float
    death: float
    edge: tuple[int, int]
    cocycle: Int8[np.ndarray, "point point"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Coordinates:
    """Angles of points along n loops.

    angles: in turns, [0, 1), each up to a rotation and a reflection. For n > 1 they are reduced combinations of the
    loops, in no order that could be matched to the bars. A connected component at `scale` that a loop does not pass
    has one angle.
    bars: birth and death of the n loops of the largest death / birth, in the units of the points.
    scale: length of the longest edge used, in the units of the points.
    """

    angles: Float[np.ndarray, "loop point"]
    bars: Float[np.ndarray, "loop 2"]
    scale: float


def circular_coordinates(points: Any, *, n: int = 1, max_points: int = 300, seed: int = 0) -> Coordinates | Missing:
    """Angles of the points (point, channel) along the n loops that persist longest, by death / birth.

    More than `max_points` points: the loops are those of as many maxmin landmarks (started at a point drawn with
    `seed`), and every point gets Perea's average of the angles of the landmarks within half the scale, or the angle of
    the nearest one where there is none. Maxmin keeps outliers: compare seeds.

    Whether a loop is more than noise is for `numerics.topology.betti` to say: a bar of ratio 1.2 has angles too. Two
    loops of one cloud are known up to a change of basis: with n = 1 the angle of a torus may wind around both, and a
    clock of frequencies 33 and 53 answers 20 = 53 - 33. n = 2 names both.

    Missing: fewer than 10 distinct points, fewer than n loops, or loops that are nowhere present together. ValueError:
    points that `numerics._points.cloud` refuses, n < 1, max_points < 10. O(max_points^3) operations at least.
    """
    from scipy.spatial.distance import pdist, squareform

    if n < 1:
        raise ValueError(f"n must be at least 1 loop, got {n}")
    if max_points < FEWEST:
        raise ValueError(f"max_points must be at least {FEWEST}, got {max_points}")
    rows = cloud(points)
    if len(distinct(rows)) < FEWEST:
        return Missing(f"a loop needs at least {FEWEST} distinct points")
    chosen = _landmarks(rows, max_points, seed)
    distances = squareform(pdist(rows[chosen]))
    found = loops(distances, keep=n)
    if len(found) < n:
        return Missing(f"the cloud has {len(found)} loops, {n} were asked for")
    birth, death = max(loop.birth for loop in found), min(loop.death for loop in found)
    if not birth * (1 + ROUNDING) < death:
        return Missing("the loops are never there at the same scale: the last is born after the first is filled")
    scale = birth + (death - birth) * POSITION
    edges = (distances <= scale) & ~np.eye(len(chosen), dtype=bool)
    cocycles = _integer(found, edges)
    if cocycles is None:
        return Missing("no integer cocycles were found for the loops: they are there mod 47 only, or wind too often")
    angles, steps = _smooth(cocycles, _weights(distances, edges, birth))
    if len(chosen) < len(rows):
        angles = _extend(angles, steps, _away(rows, rows[chosen]), scale / 2)
    unit = _unit(points, rows)
    bars = np.array([(loop.birth, loop.death) for loop in found])
    return Coordinates(angles=angles % 1 % 1, bars=unit * bars, scale=unit * scale)


def loops(distances: Float[np.ndarray, "point point"], *, keep: int = 1) -> list[Loop]:
    """The `keep` bars of H^1 of the Rips filtration of largest death / birth, largest first, with their cocycles.

    distances: symmetric. Coefficients in Z_47; all loops are filled at the enclosing radius, the smallest over points
    of the largest distance. Bars equal those of any Rips library but for bars of length 0.

    Edges come in order of length. Each live class has a value on every edge that is there; 0 on one that joins two
    components. An edge that closes triangles gets its values from the first, z(uv) = z(uw) + z(wv), and each other
    triangle must agree or the youngest class that disagrees ends, after what it is wrong by has been subtracted from
    the older. An edge that closes a loop and no triangle is the birth of a class: 1 there. So at all times the classes
    are the identity on their edges of birth, and span all integer classes.
    """
    live = _Live(len(distances))
    best: list[Loop] = []
    parent = list(range(len(distances)))
    for u, v, length in _edges(distances):
        common = live.common(u, v)
        if common is not None:
            while (wrong := live.disagreement(u, v, common)) is not None:
                youngest = int(np.flatnonzero(wrong)[-1])
                if length > live.births[youngest] * (1 + ROUNDING):
                    ended = live.loop(youngest, length)
                    best = sorted([*best, ended], key=lambda loop: loop.birth / loop.death)[:keep]
                live.end(youngest, wrong)
            live.connect(u, v, common)
        elif (one := _root(parent, u)) != (other := _root(parent, v)):
            parent[one] = other
            live.connect(u, v, None)
        else:
            live.connect(u, v, None)
            live.begin(u, v, length)
    return best


class _Live:
    """The classes alive while edges are added, oldest first, and the edges."""

    def __init__(self, n: int) -> None:
        self.births: list[float] = []
        self.edges: list[tuple[int, int]] = []
        self.values = np.zeros((8, n, n), np.int8)
        self.adjacent = np.zeros((n, n), bool)
        # The same as bits of an integer: most edges only ask whether there is a triangle.
        self.bits = [0] * n

    def common(self, u: int, v: int) -> Int[np.ndarray, " common"] | None:
        """The points with edges to both, or None if there are none; empty while nobody asks for them."""
        if not self.bits[u] & self.bits[v]:
            return None
        return np.flatnonzero(self.adjacent[u] & self.adjacent[v]) if self.births else np.empty(0, int)

    def disagreement(self, u: int, v: int, common: Int[np.ndarray, " common"]) -> Int[np.ndarray, " class"] | None:
        """The classes' values on the boundary of a triangle where one is not 0, or None."""
        if not self.births:
            return None
        through = self.values[: len(self.births), u, common] - self.values[: len(self.births), v, common]
        if not (through != through[:, :1]).any():
            return None
        difference = (through.astype(np.int64) - through[:, :1]) % PRIME
        bad = difference.any(0)
        return difference[:, bad.argmax()] if bad.any() else None

    def connect(self, u: int, v: int, common: Int[np.ndarray, " common"] | None) -> None:
        """Adds the edge, with the values that its triangles give it."""
        if common is not None and self.births:
            w, number = common[0], len(self.births)
            value = _centred(self.values[:number, u, w].astype(np.int64) - self.values[:number, v, w])
            self.values[:number, u, v], self.values[:number, v, u] = value, -value
        self.adjacent[u, v] = self.adjacent[v, u] = True
        self.bits[u] |= 1 << v
        self.bits[v] |= 1 << u

    def begin(self, u: int, v: int, length: float) -> None:
        """A class that is 1 on the edge and 0 on all others."""
        if len(self.births) == len(self.values):
            self.values = np.concatenate([self.values, np.zeros_like(self.values)])
        one = self.values[len(self.births)]
        one[:] = 0
        one[u, v], one[v, u] = 1, -1
        self.births.append(length)
        self.edges.append((u, v))

    def loop(self, index: int, death: float) -> Loop:
        """The class as it is now, which ends at this length."""
        cocycle = self.values[index].copy()
        return Loop(birth=self.births[index], death=death, edge=self.edges[index], cocycle=cocycle)

    def end(self, youngest: int, wrong: Int[np.ndarray, " class"]) -> None:
        """Frees the older classes of what is wrong with them by the youngest, and drops it."""
        share = wrong * pow(int(wrong[youngest]), -1, PRIME) % PRIME
        for older in np.flatnonzero(share[:youngest]):
            change = self.values[older] - share[older] * self.values[youngest].astype(np.int64)
            self.values[older] = _centred(change)
        number = len(self.births)
        self.values[youngest : number - 1] = self.values[youngest + 1 : number]
        del self.births[youngest], self.edges[youngest]


def _edges(distances: Float[np.ndarray, "point point"]) -> Iterator[tuple[int, int, float]]:
    """The edges up to the enclosing radius, shortest first."""
    u, v = np.triu_indices(len(distances), 1)
    lengths = distances[u, v]
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] <= distances.max(1).min()]
    return zip(u[order].tolist(), v[order].tolist(), lengths[order].tolist(), strict=True)


def _root(parent: list[int], point: int) -> int:
    while parent[point] != point:
        parent[point] = point = parent[parent[point]]
    return point


def _centred(values: Int[np.ndarray, "*shape"]) -> Int[np.ndarray, "*shape"]:
    """The representatives in -23..23."""
    return (values + PRIME // 2) % PRIME - PRIME // 2


def _integer(found: list[Loop], edges: Bool[np.ndarray, "point point"]) -> Int[np.ndarray, "loop point point"] | None:
    """Integer cocycles on these edges that span all integer classes in the span of the loops' mod 47, or None.

    One loop: the smallest integer cocycle of which it is a multiple mod 47. A class that outlives another is freed of
    it by fractions: where the loop filled is 6 times around one way and once around the other it becomes z - z'/6,
    which is z + 8 z' mod 47, an integer cocycle too that winds 8 times; 6 z - z' is meant.

    Several: the fractions cancel in the combinations that are 1 on one loop's edge of birth and 0 on the others'.
    Integer classes that are the identity there span all.
    """
    if len(found) == 1:
        tries = (_lifted(multiple * found[0].cocycle.astype(np.int64), edges) for multiple in range(1, PRIME // 2 + 1))
        closed = [cocycle for cocycle in tries if cocycle is not None]
        return min(closed, key=lambda cocycle: cocycle.max())[None] if closed else None
    # The class that ends first is 0 on the other edges; those that end later are so but for earlier ones' edges.
    cocycles: list[Int[np.ndarray, "point point"]] = []
    past: list[Loop] = []
    for loop in sorted(found, key=lambda loop: loop.death):
        cocycle = loop.cocycle.astype(np.int64)
        cocycle = cocycle - sum(cocycle[one.edge] * other for one, other in zip(past, cocycles, strict=True))
        cocycles.append(_centred(cocycle))
        past.append(loop)
    lifted = [_lifted(cocycle, edges) for cocycle in cocycles]
    return None if any(one is None for one in lifted) else np.stack([one for one in lifted if one is not None])


def _lifted(
    cocycle: Int[np.ndarray, "point point"], edges: Bool[np.ndarray, "point point"]
) -> Int[np.ndarray, "point point"] | None:
    """The integer cocycle of values nearest 0, or None if there is a triangle where it does not close."""
    values = _centred(cocycle) * edges
    return values if _closed(values, edges) else None


def _closed(cocycle: Int[np.ndarray, "point point"], edges: Bool[np.ndarray, "point point"]) -> bool:
    """Whether z(uv) + z(vw) = z(uw) on every triangle."""
    for u, near in enumerate(edges):
        v = np.flatnonzero(near)
        inside = np.ix_(v, v)
        if ((cocycle[u, v][:, None] + cocycle[inside] != cocycle[u, v]) & edges[inside]).any():
            return False
    return True


def _weights(
    distances: Float[np.ndarray, "point point"], edges: Bool[np.ndarray, "point point"], width: float
) -> Float[np.ndarray, "point point"]:
    """Heat kernel over the density of both ends, so that dense stretches do not weigh more than sparse ones.

    w_uv = k_uv / (q_u q_v),  q_u = sum_v k_uv,  k_uv = exp(-d_uv^2 / (2 width^2)) on the edges and u = v: the
    normalisation of Coifman & Lafon 2006, "Diffusion maps", alpha = 1. The width is the loop's birth, its widest gap.
    """
    kernel = np.exp(-0.5 * (distances / width) ** 2) * edges
    density = 1 + kernel.sum(1)
    return kernel / density[:, None] / density


def _smooth(
    cocycles: Int[np.ndarray, "loop point point"], weights: Float[np.ndarray, "point point"]
) -> tuple[Float[np.ndarray, "loop point"], Float[np.ndarray, "loop point point"]]:
    """Angles f of the reduced classes, and their harmonic cocycles f_v - f_u - z_uv: the small steps of the angles."""
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

    Minkowski's conditions, no row becomes shorter by adding others times -1, 0 or 1: up to 4 loops they define the
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


def _landmarks(rows: Float[np.ndarray, "point channel"], number: int, seed: int) -> Int[np.ndarray, " landmark"]:
    """Each the point farthest from those before it; all points if they are few enough."""
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


def _away(
    rows: Float[np.ndarray, "point channel"], others: Float[np.ndarray, "other channel"]
) -> Float[np.ndarray, "point other"]:
    """Distances by a matrix product: wrong by 1e-8 of the cloud's size, enough to weigh landmarks."""
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


def _unit(points: Any, rows: Float[np.ndarray, "point channel"]) -> float:
    """The power of two by which `cloud` divided the points."""
    raw = cloud(points, centre=False)
    # A quarter first: the range of values near the largest float overflows.
    ratio = np.log2(np.ptp(raw / 4, axis=0).max()) - np.log2(np.ptp(rows / 4, axis=0).max())
    return float(np.exp2(np.round(ratio)))


def coherence(angles: Any, phase: Any) -> float:
    """max over the sign of |mean_a exp(2 pi i (theta_a -+ phi_a))|: 1 if one is the other turned or reflected.

    angles, phase: (point,) in turns. For independent angles, one of them uniform, about 1 / sqrt(points).

    This is the statistic for "the circle found is the task's": the answers c k / p are uniform, and a uniform angle
    has no mean direction, from which `circular_correlation` measures.
    """
    theta, phi = _pair(angles, phase)
    return float(max(abs(np.exp(2j * np.pi * (theta - sign * phi)).mean()) for sign in (1, -1)))


def circular_correlation(one: Any, other: Any) -> float | Missing:
    """Correlation of two angles (point,) in turns, -1..1.

        sum sin(a - mean a) sin(b - mean b) / sqrt(sum sin^2(a - mean a) sum sin^2(b - mean b))

    Where an angle has no mean direction (Rayleigh's test keeps uniformity at 5 %: n R^2 < 3) their form for uniform
    angles, |mean exp i(a - b)| - |mean exp i(a + b)|. Negative: one runs against the other. Missing when an angle does
    not vary. Source: Jammalamadaka & SenGupta 2001, Topics in Circular Statistics, section 8.2.
    """
    a, b = (np.exp(2j * np.pi * angle) for angle in _pair(one, other))
    means = [z.mean() for z in (a, b)]
    if min(abs(mean) for mean in means) < np.sqrt(3 / len(a)):
        return float(abs((a * b.conj()).mean()) - abs((a * b).mean()))
    sines = [(z * np.conj(mean) / abs(mean)).imag for z, mean in zip((a, b), means, strict=True)]
    size = [np.square(sine).sum() for sine in sines]
    if min(size) < len(a) * ROUNDING**2:
        return Missing("an angle that is the same at all points correlates with nothing")
    return float(sines[0] @ sines[1] / np.sqrt(size[0] * size[1]))


def name_frequency(angles: Any, p: int | None = None, *, phases: Any = None) -> tuple[int, float]:
    """The frequency k whose phase k a / p the angles (point,) follow, and the `coherence` with it.

        argmax_k max over the sign of |mean_a exp(2 pi i (theta_a -+ k a / p))|,    k = 1..floor((p - 1) / 2)

    p: the angles are those of the residues a = 0..p-1. Other labels: phases (k, point) in turns instead of p, and the
    index of the best row. Among random angles the best of the p - 1 candidates reaches about sqrt(log(p) / p): 0.2 at
    p = 113.
    """
    if (p is None) == (phases is None):
        raise ValueError("name_frequency needs either p, for the angles of all residues, or phases (k, point)")
    if p is not None:
        theta = _angles(angles)
        if p < 3 or len(theta) != p:
            raise ValueError(f"p must be at least 3 and the number of angles, got p = {p} and {len(theta)} angles")
        # One Fourier transform holds every k, and at p - k its reflection.
        spectrum = np.abs(np.fft.fft(np.exp(2j * np.pi * theta))) / p
        frequencies = np.arange(1, (p - 1) // 2 + 1)
        values = np.maximum(spectrum[frequencies], spectrum[p - frequencies])
        best = int(values.argmax())
        return int(frequencies[best]), float(values[best])
    rows = real(phases, "phases")
    if rows.ndim != 2 or not len(rows):
        raise ValueError(f"phases must have the shape (k, point), got {rows.shape}")
    values = np.array([coherence(angles, row) for row in rows])
    best = int(values.argmax())
    return best, float(values[best])


def _pair(one: Any, other: Any) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, " point"]]:
    first, second = _angles(one), _angles(other)
    if len(first) != len(second):
        raise ValueError(f"two angles of the same points were expected, got {len(first)} and {len(second)} points")
    return first, second


def _angles(angles: Any) -> Float[np.ndarray, " point"]:
    array = real(angles, "angles")
    if array.ndim != 1 or not len(array):
        raise ValueError(f"angles must be finite and have the shape (points,), got {array.shape}")
    return array

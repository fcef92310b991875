"""Loops of the Vietoris-Rips filtration with their cocycles, and the integer cocycles that stand for them.

Source: de Silva, Morozov & Vejdemo-Johansson 2011, "Persistent cohomology and circular coordinates".
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

# The field Z_q in which cocycles are computed: the prime of de Silva et al. Values lie in -23..23, and a difference of
# two fits eight bits.
PRIME = 47
# A loop that ends within this share of its birth is the rounding of equal distances.
ROUNDING = 1e-9

Edges = Bool[np.ndarray, "point point"]
Cocycle = Int[np.ndarray, "point point"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Loop:
    """A bar of H^1 of the Rips filtration with its cocycle.

    birth, death: lengths of the edges that close and fill the loop. edge: the one that closes it.
    cocycle[u, v] = -cocycle[v, u]: values mod 47 in -23..23 on the edges shorter than `death`; 1 on `edge`, 0 elsewhere
    and on the edges that join two components.
    """

    birth: float
    death: float
    edge: tuple[int, int]
    cocycle: Int8[np.ndarray, "point point"]


def loops(distances: Float[np.ndarray, "point point"], *, keep: int = 1) -> list[Loop]:
    """The `keep` bars of H^1 of the Rips filtration of largest death / birth, largest first, with their cocycles.

    distances: symmetric. Coefficients in Z_47. All loops are filled at the enclosing radius, the smallest over points
    of the largest distance. Bars equal those of any Rips library but for bars of length 0.

    Edges are added in order of length. Each live class has a value on every edge so far; 0 on an edge that joins two
    components. An edge that closes triangles gets its values from the first of them, z(uv) = z(uw) + z(wv). The other
    triangles must agree. Where one does not, the youngest class that disagrees ends; its error is first subtracted from
    the older classes. An edge that closes a loop and no triangle is the birth of a class, which is 1 there. So at all
    times the classes are the identity on their edges of birth, and span all integer classes.
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
        elif (of_u := _root(parent, u)) != (of_v := _root(parent, v)):
            parent[of_u] = of_v
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
        """The points with edges to both, or None if there are none; an empty array while no class is alive."""
        if not self.bits[u] & self.bits[v]:
            return None
        return np.flatnonzero(self.adjacent[u] & self.adjacent[v]) if self.births else np.empty(0, int)

    def disagreement(self, u: int, v: int, common: Int[np.ndarray, " common"]) -> Int[np.ndarray, " class"] | None:
        """The classes' values on the boundary of a triangle that some class gets wrong; None if all agree."""
        if not self.births:
            return None
        through = self.values[: len(self.births), u, common] - self.values[: len(self.births), v, common]
        if not (through != through[:, :1]).any():
            return None
        difference = (through.astype(np.int64) - through[:, :1]) % PRIME
        bad = difference.any(0)
        return difference[:, bad.argmax()] if bad.any() else None

    def connect(self, u: int, v: int, common: Int[np.ndarray, " common"] | None) -> None:
        """Adds the edge with its values, which its triangles determine."""
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
        born = self.values[len(self.births)]
        born[:] = 0
        born[u, v], born[v, u] = 1, -1
        self.births.append(length)
        self.edges.append((u, v))

    def loop(self, index: int, death: float) -> Loop:
        """The bar of a class that ends at this length, with its present cocycle."""
        cocycle = self.values[index].copy()
        return Loop(birth=self.births[index], death=death, edge=self.edges[index], cocycle=cocycle)

    def end(self, youngest: int, wrong: Int[np.ndarray, " class"]) -> None:
        """Subtracts the youngest class from the older ones so that they agree with the triangle, and drops it."""
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


def integer_cocycles(chosen: list[Loop], edges: Edges) -> Int[np.ndarray, "loop point point"] | None:
    """Integer cocycles on these edges that span all integer classes in the span of the loops' classes mod 47, or None.

    One loop: the smallest integer cocycle of which it is a multiple mod 47. When a class ends, a fraction of it is
    subtracted from those that live on. Example: the loop that was filled ran 6 times around one way and once around the
    other. The class that lives on becomes z - z'/6, which is z + 8 z' mod 47. That is an integer cocycle too, but it
    winds 8 times; the one we want is 6 z - z'.

    Several loops: the fractions cancel in the combinations that are 1 on one loop's edge of birth and 0 on the edges of
    the others. Integer classes that are the identity there span all.
    """
    if len(chosen) == 1:
        tries = (_lifted(multiple * chosen[0].cocycle.astype(np.int64), edges) for multiple in range(1, PRIME // 2 + 1))
        closed = [cocycle for cocycle in tries if cocycle is not None]
        return min(closed, key=lambda cocycle: cocycle.max())[None] if closed else None
    # A class is 0 on the edges of birth of all loops that end later, not on those of loops that ended before it.
    cocycles: list[Cocycle] = []
    past: list[Loop] = []
    for loop in sorted(chosen, key=lambda loop: loop.death):
        cocycle = loop.cocycle.astype(np.int64)
        cocycle = cocycle - sum(cocycle[ended.edge] * other for ended, other in zip(past, cocycles, strict=True))
        cocycles.append(_centred(cocycle))
        past.append(loop)
    lifted = [values for cocycle in cocycles if (values := _lifted(cocycle, edges)) is not None]
    return np.stack(lifted) if len(lifted) == len(cocycles) else None


def _lifted(cocycle: Cocycle, edges: Edges) -> Cocycle | None:
    """The integer cocycle of values nearest 0, or None if some triangle does not close."""
    values = _centred(cocycle) * edges
    for u, near in enumerate(edges):
        v = np.flatnonzero(near)
        inside = np.ix_(v, v)  # z(uv) + z(vw) = z(uw) on every triangle
        if ((values[u, v][:, None] + values[inside] != values[u, v]) & edges[inside]).any():
            return None
    return values

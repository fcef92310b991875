"""The functions on a finite group, ordered by irrep: what a table of points is projected on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from grokscope.numerics.groups import Group
from grokscope.numerics.irreps import irreps

Key = int | str  # k of a frequency, otherwise an irrep's name


@dataclass(frozen=True, kw_only=True, eq=False)
class Harmonics:
    """The functions on a group by irrep, the trivial one left out.

    keys: k for cyclic and multiplicative groups, otherwise the irrep's name. kernels: of the projectors,
    P(a, b) = kernels[irrep, a^-1 b]. sizes: how many dimensions the matrix entries span. product: index of x y.
    phases: in turns, one row for each pair of conjugate one-dimensional characters. waves: the places of these pairs
    among the keys. line: the elements in the order of the powers of a generator. generated: whether there is a
    generator; if not, the line is the elements as they come.
    """

    keys: tuple[Key, ...]
    kernels: Float[np.ndarray, "irrep element"]
    sizes: Int[np.ndarray, " irrep"]
    product: Int[np.ndarray, "element element"]
    inverse: Int[np.ndarray, " element"]
    identity: int
    phases: Float[np.ndarray, "wave element"]
    waves: tuple[int, ...]
    line: Int[np.ndarray, " element"]
    generated: bool

    def projector(self, chosen: Any) -> Float[np.ndarray, "element element"]:
        """P(a, b) of the chosen irreps together."""
        return self.kernels[chosen].reshape(-1, len(self.product)).sum(0)[self.product[self.inverse]]

    def place(self, key: Key) -> int:
        """The irrep of a key; ValueError for a key that is none."""
        if key not in self.keys:
            raise ValueError(f"unknown frequency or irrep {key!r}; known are {', '.join(map(str, self.keys))}")
        return self.keys.index(key)


def harmonics(order: int, group: Group | None) -> Harmonics:
    """Of a group, or of the residues mod `order`. ValueError if the table's rows are not the group's elements."""
    if group is None:
        return _cyclic(order)
    if group.order != order:
        raise ValueError(f"the table has {order} rows, but {group.name} has {group.order} elements")
    parts, cyclic = irreps(group)[1:], group.family in ("cyclic", "multiplicative")
    waves = tuple(i for i, part in enumerate(parts) if (part.dimension, part.type) == (2, "complex"))
    corners = np.array([parts[i].matrices[:, :, 0].numpy() for i in waves]).reshape(-1, order, 2)
    turns = np.arctan2(corners[..., 1], corners[..., 0]) / (2 * np.pi)
    weights = [part.dimension / (order * part.endomorphisms) for part in parts]
    characters = np.array([part.character.numpy() for part in parts]).reshape(-1, order)
    # The values are roots of unity of the group's order: rounding to them undoes the arctangent's.
    phases = np.round(turns * order) % order / order
    faithful = [row for row in phases if len(np.unique(row)) == order]
    return Harmonics(
        # Of a cyclic group irreps lists k in ascending order, and calls the last one of an even n "sign".
        keys=tuple(k if cyclic else part.name for k, part in enumerate(parts, start=1)),
        kernels=np.array(weights)[:, None] * characters,
        sizes=np.array([part.dimension**2 // part.endomorphisms for part in parts], dtype=np.int64),
        product=group.table.numpy(),
        inverse=group.inverse.numpy(),
        identity=group.identity,
        phases=phases,
        waves=waves,
        line=np.argsort(faithful[0]) if faithful else np.arange(order),
        generated=bool(faithful),
    )


def _cyclic(n: int) -> Harmonics:
    k, x = np.arange(1, n // 2 + 1), np.arange(n)
    turns = np.multiply.outer(k, x) % n / n  # reduced in integers, so that large k x costs no precision
    sizes = np.where(2 * k == n, 1, 2)
    return Harmonics(
        keys=tuple(k.tolist()),
        kernels=sizes[:, None] / n * np.cos(2 * np.pi * turns),
        sizes=sizes,
        product=np.add.outer(x, x) % n,
        inverse=-x % n,
        identity=0,
        phases=turns[sizes == 2],
        waves=tuple(range(int((sizes == 2).sum()))),
        line=x,
        generated=True,
    )

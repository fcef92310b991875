"""All irreducible representations over the real numbers of the groups in `numerics.groups`, as orthogonal matrices.

rho(x y) = rho(x) rho(y). Over the reals, by Schur's lemma, the matrices that commute with all of rho form one of three
algebras, the irrep's type: real numbers (dimension 1), complex numbers (2) or quaternions (4). And

    sum over irreps of d^2 / dim End = order.

Cyclic groups and their products: rotations by 2 pi k x / n, one for each pair of frequencies +-k. Dihedral groups: the
same with a reflection. S_n: Young's orthogonal form, one for each partition of n. A_n: its restrictions. No group
listed there has an irrep of quaternionic type.

Source: Serre 1977, Linear Representations of Finite Groups, sections 5.1, 5.3 and 13.2; James & Kerber 1981, The
Representation Theory of the Symmetric Group; as the circuits that networks learn: Chughtai et al. 2023,
arXiv:2302.03025.
"""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from grokscope.numerics.groups import Group, discrete_logarithms, group, parity

Tableau = tuple[int, ...]  # the row of each entry 0..n-1; entries ascend along rows and columns


@dataclass(frozen=True, kw_only=True, eq=False)
class Irrep:
    """A real irreducible representation.

    name: "trivial"; "sign", the other homomorphism to +-1 where all groups of the family have one; "k=3" or "k=(1,2)",
        the frequencies; "standard" (S_n and A_n on the vectors of sum 0); otherwise the partition, "(3,2)", with + and
        - for its two halves in A_n. In a dihedral group of even n also "alternating", (-1)^k, and "alternating sign".
    dimension: d. type: the algebra End of matrices that commute with it.
    """

    name: str
    dimension: int
    type: Literal["real", "complex", "quaternionic"]
    matrices: Float64[Tensor, "g d d"]

    @property
    def endomorphisms(self) -> int:
        """dim End: 1, 2 or 4."""
        return {"real": 1, "complex": 2, "quaternionic": 4}[self.type]

    @property
    def character(self) -> Float64[Tensor, " g"]:
        """chi(x) = tr rho(x)."""
        return self.matrices.diagonal(dim1=1, dim2=2).sum(dim=1)


@functools.lru_cache(maxsize=16)
def irreps(of: Group) -> tuple[Irrep, ...]:
    """All real irreps of a group up to isomorphism, the trivial one first."""
    match of.family:
        case "dihedral":
            return tuple(_dihedral(of))
        case "symmetric":
            return tuple(_symmetric(of))
        case "alternating":
            return tuple(_alternating(of))
        case "multiplicative":
            p = of.parameters[0]
            return tuple(_abelian((p - 1,), discrete_logarithms(p)[:, None]))
        case _:
            return tuple(_abelian(of.parameters, torch.tensor(of.elements)))


def _irrep(name: str, matrices: Tensor, type: Literal["real", "complex"] = "real") -> Irrep:
    return Irrep(name=name, dimension=matrices.shape[1], type=type, matrices=matrices.double())


def _abelian(orders: tuple[int, ...], residues: Int[Tensor, "g factor"]) -> Iterator[Irrep]:
    """Rotations by 2 pi sum_i k_i x_i / n_i; at 2 k = 0 they are signs."""
    turn = math.lcm(*orders)
    for k in itertools.product(*map(range, orders)):
        opposite = tuple(-frequency % n for frequency, n in zip(k, orders, strict=True))
        if k > opposite:
            continue
        # The angle is reduced in integers, in parts of a full turn, so that it costs no precision.
        parts = residues @ torch.tensor([f * turn // n for f, n in zip(k, orders, strict=True)]) % turn
        name = f"k={k[0]}" if len(k) == 1 else f"k=({','.join(map(str, k))})"
        if k == opposite:
            trivial, sign = not any(k), len(k) == 1
            yield _irrep("trivial" if trivial else "sign" if sign else name, (1 - 2 * (parts > 0).int())[:, None, None])
        else:
            yield _irrep(name, _rotations(parts, turn), "complex")


def _rotations(parts: Int[Tensor, " g"], turn: int) -> Float64[Tensor, "g 2 2"]:
    """Rotations by 2 pi parts / turn."""
    angle = 2 * math.pi * parts.double() / turn
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos, -sin, sin, cos], dim=1).reshape(-1, 2, 2)


def _dihedral(of: Group) -> Iterator[Irrep]:
    """rho_k(r^x f^s) = R(2 pi k x / n) diag(1, -1)^s, k = 1..ceil(n/2)-1, and the homomorphisms to +-1."""
    n = of.parameters[0]
    x, s = torch.tensor(of.elements).unbind(1)
    signs = {"trivial": torch.ones_like(x), "sign": 1 - 2 * s}
    if n % 2 == 0:
        alternating = 1 - 2 * (x % 2)
        signs |= {"alternating": alternating, "alternating sign": alternating * signs["sign"]}
    for name, sign in signs.items():
        yield _irrep(name, sign[:, None, None])
    for k in range(1, (n + 1) // 2):
        matrices = _rotations(k * x % n, n)
        matrices[s == 1, :, 1] *= -1
        yield _irrep(f"k={k}", matrices)


def _symmetric(of: Group) -> Iterator[Irrep]:
    for shape in _partitions(of.parameters[0]):
        yield _irrep(_partition_name(shape), _young(of, shape, _tableaux(shape)))


def _alternating(of: Group) -> Iterator[Irrep]:
    """The restrictions of S_n's irreps: a partition and its conjugate restrict to the same irrep.

    On a self-conjugate partition the associator J t = sgn(t) t' (t' the transposed tableau) anticommutes with every
    transposition. So it commutes with A_n, and End is spanned by 1 and J. If J^2 = 1, its two eigenspaces are irreps of
    real type; if J^2 = -1, it is the imaginary unit of one irrep of complex type.
    """
    symmetric = group(f"symmetric({of.parameters[0]})")
    even = torch.tensor([symmetric.elements.index(x) for x in of.elements])
    for shape in _partitions(of.parameters[0]):
        conjugate = tuple(sum(row > column for row in shape) for column in range(shape[0]))
        if shape < conjugate:
            continue
        tableaux, name = _tableaux(shape), _partition_name(shape)
        matrices = _young(symmetric, shape, tableaux)[even]
        if shape != conjugate:
            yield _irrep(name, matrices)
            continue
        associator = _associator(shape, tableaux)
        if not torch.equal(associator, associator.T):
            yield _irrep(name, matrices, "complex")
            continue
        # J pairs each tableau with another one: (t +- J t) / sqrt(2), once a pair, are its orthonormal eigenvectors.
        first = torch.arange(len(tableaux)) < associator.abs().argmax(dim=0)
        for mark, sign in (("+", 1), ("-", -1)):
            basis = ((torch.eye(len(tableaux)).double() + sign * associator) / math.sqrt(2))[:, first]
            yield _irrep(name + mark, basis.T @ matrices @ basis)


def _partitions(n: int, largest: int | None = None) -> Iterator[tuple[int, ...]]:
    """Partitions of n in descending order: (n), (n-1, 1), ..., (1, ..., 1)."""
    if n == 0:
        yield ()
    for first in range(min(n, largest or n), 0, -1):
        for rest in _partitions(n - first, first):
            yield (first, *rest)


def _partition_name(shape: tuple[int, ...]) -> str:
    n = sum(shape)
    names = {(n - 1, 1): "standard", (1,) * n: "sign", (n,): "trivial"}
    return names.get(shape, f"({','.join(map(str, shape))})")


def _tableaux(shape: Sequence[int]) -> list[Tableau]:
    """Standard tableaux: the last entry stands at the end of a row that is longer than the next."""
    if not any(shape):
        return [()]
    ends = [row for row, length in enumerate(shape) if length > (shape[row + 1] if row + 1 < len(shape) else 0)]
    return [(*rest, row) for row in ends for rest in _tableaux([length - (i == row) for i, length in enumerate(shape)])]


def _columns(tableau: Tableau) -> Tableau:
    """The column of each entry, which is its row in the transposed tableau."""
    return tuple(tableau[:entry].count(row) for entry, row in enumerate(tableau))


def _young(of: Group, shape: Sequence[int], tableaux: Sequence[Tableau]) -> Float64[Tensor, "g d d"]:
    """Young's orthogonal form, in the basis of standard tableaux t, for all elements of S_n.

        rho(s_i) t = t / r + sqrt(1 - 1 / r^2) s_i t,   r = content(i+1) - content(i),   content = column - row

    for the transposition s_i of i and i+1; the rest are products: rho(x s_i) = rho(x) rho(s_i).
    """
    n, index = sum(shape), {tableau: i for i, tableau in enumerate(tableaux)}
    contents = torch.tensor([_columns(t) for t in tableaux]) - torch.tensor(tableaux)
    distance = contents.diff(dim=1).double()
    swaps, generators = [], []
    for i in range(n - 1):
        swaps.append(of.elements.index((*range(i), i + 1, i, *range(i + 2, n))))
        matrix = torch.diag(1 / distance[:, i])
        for column, t in enumerate(tableaux):
            if (row := index.get((*t[:i], t[i + 1], t[i], *t[i + 2 :]), column)) != column:
                matrix[row, column] = math.sqrt(1 - 1 / float(distance[column, i]) ** 2)
        generators.append(matrix)
    matrices = torch.zeros(of.order, len(tableaux), len(tableaux), dtype=torch.float64)
    matrices[of.identity] = torch.eye(len(tableaux))
    reached = [of.identity]
    known = set(reached)
    for x in reached:
        for swap, generator in zip(swaps, generators, strict=True):
            if (y := int(of.table[x, swap])) not in known:
                matrices[y] = matrices[x] @ generator
                known.add(y)
                reached.append(y)
    return matrices


def _associator(shape: Sequence[int], tableaux: Sequence[Tableau]) -> Float64[Tensor, "d d"]:
    """J t = sgn(t) t' on the tableaux of a self-conjugate shape; sgn(t) is the parity of t read row by row."""
    index = {tableau: i for i, tableau in enumerate(tableaux)}
    matrix = torch.zeros(len(tableaux), len(tableaux), dtype=torch.float64)
    for column, t in enumerate(tableaux):
        reading = [entry for row in range(len(shape)) for entry in range(len(t)) if t[entry] == row]
        matrix[index[_columns(t)], column] = parity(reading)
    return matrix

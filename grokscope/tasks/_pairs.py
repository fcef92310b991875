"""Shared by tasks over all pairs of symbols: the task of a table, and the spaces of groups."""

import itertools
import math
from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from grokscope.numerics.groups import Group
from grokscope.tasks.base import Task, Truth, pair_orbits


def all_pairs(table: Int[Tensor, "n n"], *, truth: Truth, n_classes: int | None = None) -> Task:
    """The task (a, b) -> table[a, b] over all n^2 pairs, in lexicographic order; n_classes is n unless given.

    (a, b) and (b, a) share an orbit if the table is symmetric.
    """
    n = len(table)
    inputs = torch.cartesian_prod(torch.arange(n), torch.arange(n))
    a, b = inputs.unbind(1)
    return Task(
        inputs=inputs,
        labels=table.flatten(),
        orbits=pair_orbits(a, b, n) if torch.equal(table, table.T) else torch.arange(n * n),
        n_symbols=n,
        n_classes=n_classes or n,
        truth=truth,
    )


def commutative_truth(name: str, orders: Sequence[int]) -> Truth:
    """The truth of a direct product of cyclic groups: the orbit of its smallest faithful real representation.

    Z_n lies on a circle (n >= 3) or on two points (n = 2). Isomorphic groups get the same space, whatever their names:
    Z7xZ8 is Z56, a circle, since no network could tell them apart. Only a common divisor of 3 or more makes a torus, as
    in Z7xZ7. So the orders used are the invariant factors, each a divisor of the next.

    The flat torus of the group's own representation lies in R^4; the smallest space that a torus embeds in is R^3.
    """
    factors = _invariant_factors(orders)
    circles, copies = sum(n >= 3 for n in factors), 2 ** factors.count(2)
    if circles == 0:
        manifold = "points"
    elif copies == 1:
        manifold = "circle" if circles == 1 else "torus"
    elif (circles, copies) == (1, 2):
        manifold = "two circles"
    else:  # several tori, or four or more circles: `Truth` has no name for them
        return Truth(group=name)
    return Truth(
        group=name,
        manifold=manifold,
        intrinsic_dimension=circles,
        # A torus of k circles is a hypersurface of R^(k+1); isolated points lie on a line, a single one needs none.
        embedding_dimension=circles + 1 if circles else min(copies - 1, 1),
        betti=tuple(copies * math.comb(circles, i) for i in range(circles + 1)),
    )


def group_truth(of: Group) -> Truth:
    """The truth of the product of a group. A dihedral group lies on two circles, the rotations and the reflections."""
    match of.family:
        case "cyclic" | "product":
            return commutative_truth(of.name, of.parameters)
        case "multiplicative":
            return commutative_truth(of.name, (of.order,))
        case "dihedral":
            return Truth(
                group=of.name,
                manifold="two circles",
                intrinsic_dimension=1,
                embedding_dimension=2,
                betti=(2, 2),
            )
        case _:
            return Truth(group=of.name)


def truth_with_zero(p: int) -> Truth:
    """The truth of products modulo a prime p: the multiplicative group, and 0, which is no element of it."""
    name = f"multiplicative({p})"
    if p < 5:  # no more than two answers besides 0: not a circle
        return Truth(group=name, manifold="points", intrinsic_dimension=0, embedding_dimension=1, betti=(p,))
    return Truth(group=name, manifold="circle and point", intrinsic_dimension=1, embedding_dimension=2, betti=(2, 1))


def _invariant_factors(orders: Sequence[int]) -> list[int]:
    factors = list(orders)
    for i, j in itertools.combinations(range(len(factors)), 2):
        factors[i], factors[j] = math.gcd(factors[i], factors[j]), math.lcm(factors[i], factors[j])
    return factors

"""The product of a group behind a task, and orthonormal bases of the matrix entries of its irreps."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics.groups import Group, group
from grokscope.numerics.irreps import irreps
from grokscope.runs.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True, eq=False)
class Product:
    """A task's answers as products a b of two elements of a group, over all pairs in lexicographic order.

    answers: the element a b of each input. reading: the symbol of the second operand for each b: the element itself,
    or its inverse where the task asks for x y^-1 (subtraction).
    """

    of: Group
    answers: Int[Tensor, " pair"]
    reading: Int[Tensor, " element"]

    def summed(self, values: Float64[Tensor, "pair channel"]) -> Float64[Tensor, "answer channel"]:
        """Sums over the inputs of each answer; a function of the answer depends on nothing else."""
        return values.new_zeros(self.of.order, values.shape[1]).index_add_(0, self.answers, values)


def product(snapshot: Snapshot) -> Product | Missing:
    """The product that the task computes; `Missing` for a task without a group or with another operation."""
    return snapshot.remembered("product", lambda: _product(snapshot))


def _product(snapshot: Snapshot) -> Product | Missing:
    task = snapshot.task
    if task.truth.group is None:
        return Missing("the task has no group")
    of = group(task.truth.group)
    right = task.labels if task.answers is None else task.answers
    elements = torch.arange(of.order)
    pairs = torch.cartesian_prod(elements, elements)
    if not (task.n_symbols == task.n_classes == of.order and torch.equal(task.inputs, pairs)):
        return Missing(f"the task is not over all pairs of the {of.order} elements of {of.name}")
    if of.order == 1:
        return Missing("the trivial group has no irrep besides the trivial one")
    for reading in (elements, of.inverse):
        answers = of.table[:, reading].flatten()
        # Labels may be noisy; those of another operation agree with a product on a few inputs only.
        if (answers == right).double().mean() > 0.5:
            return Product(of=of, answers=answers, reading=reading)
    return Missing(f"most answers of the task are neither the product x y nor x y^-1 of its operands in {of.name}")


@functools.lru_cache(maxsize=16)
def bases(of: Group) -> Mapping[str, Float64[Tensor, "element direction"]]:
    """For each irrep, the trivial one first: an orthonormal basis of the span of its matrix entries rho(x)_ij over x.

    The d^2 entries of an irrep of complex type are not independent: the rotations of a cyclic group have four entries
    and rank 2. Null directions are dropped, so each basis has d^2 / dim End directions, and all bases together are a
    basis of the functions on the group. The QR decomposition in the released code of Chughtai et al. 2023 keeps d^2
    columns; the surplus ones are arbitrary.
    """
    spans = {}
    for irrep in irreps(of):
        directions, sizes, _ = torch.linalg.svd(irrep.matrices.flatten(1), full_matrices=False)
        # By Schur's orthogonality all sizes other than 0 are equal: any threshold in between separates them.
        spans[irrep.name] = directions[:, sizes > 1e-6 * sizes[0]]
    return MappingProxyType(spans)

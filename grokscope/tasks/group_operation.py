"""Composition in a finite group: (x, y) -> x y, x y x^-1 or x y x, over all pairs of its elements.

Source: Power et al. 2022, arXiv:2201.02177, appendix A.1.1 (S5, the three operations); Chughtai et al. 2023,
arXiv:2302.03025 (x y in cyclic, dihedral, symmetric and alternating groups). In published sizes: S5 has 14,400 pairs.

Symbols and classes are the indices of the group's elements (`numerics.groups`). Truth of x y: products of cyclic groups
lie on points, a circle or a torus (`commutative_truth`). A dihedral group lies on two circles, the rotations and the
reflections; they fit into one plane although their matrices span R^4. S_n and A_n have their irreps and no manifold.
The answers of x y x^-1 and x y x are elements of the same group; no manifold is claimed for them.
"""

from typing import Literal

import torch
from jaxtyping import Int
from pydantic import Field, field_validator
from torch import Tensor

from grokscope.numerics.groups import Group, group, parse, spelling
from grokscope.registry import Options, called
from grokscope.tasks._pairs import all_pairs, group_truth
from grokscope.tasks.base import Task, TaskFamily, Truth


class GroupOperation(Options):
    group: str = Field("symmetric(5)", description="cyclic(59), Z7xZ7, dihedral(5), alternating(5); or C59, D5, A5")
    operation: Literal["xy", "xyx^-1", "xyx"] = Field("xy", description="product, conjugate or sandwich")

    @field_validator("group")
    @classmethod
    def _check_group(cls, name: str) -> str:
        # One spelling a group, so that S5 and symmetric(5) are the same run.
        return spelling(*parse(name))


def build(options: GroupOperation) -> Task:
    chosen = group(options.group)
    truth = group_truth(chosen) if options.operation == "xy" else Truth(group=chosen.name)
    return all_pairs(_answers(chosen, options.operation), truth=truth)


def _answers(of: Group, operation: str) -> Int[Tensor, "x y"]:
    match operation:
        case "xyx^-1":
            return of.table[of.table, of.inverse[:, None]]
        case "xyx":
            return of.table[of.table, torch.arange(of.order)[:, None]]
        case _:
            return of.table


also_called = (
    {name: {"group": name.upper()} for name in ("s3", "s4", "s5", "a4", "a5", "d5")}
    | called("symmetric_group", "permutation", "permutations", "permutation_composition", group="S5")
    | called("alternating", "alternating_group", group="A5")
    | called("dihedral", "dihedral_group", group="dihedral(59)")
    | called("cyclic", "cyclic_group", group="C59")
    | called("group_composition", "group_multiplication", "composition", "group", "finite_group")
)
group_operation = TaskFamily(options=GroupOperation, build=build, also_called=also_called)

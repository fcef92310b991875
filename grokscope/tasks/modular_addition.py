"""Addition modulo p: (a, b) -> (a + b) mod p, over all p^2 pairs.

Source: Power et al. 2022, arXiv:2201.02177; with tokens [a, b, =]: Nanda et al. 2023, arXiv:2301.05217.
The answers form the cyclic group Z_p; its faithful two-dimensional irreps are circles (b0 = 1, b1 = 1).
"""

from pydantic import Field

from grokscope.numerics.groups import group
from grokscope.registry import Options, called
from grokscope.tasks._pairs import all_pairs, commutative_truth
from grokscope.tasks.base import Task, TaskFamily


class ModularAddition(Options):
    # All p^2 pairs and their p logits are held at once: 4 GB in float32 at p = 1,000.
    p: int = Field(113, ge=3, le=1000, description="modulus [1]")


def build(options: ModularAddition) -> Task:
    cyclic = group(f"cyclic({options.p})")
    return all_pairs(cyclic.table, truth=commutative_truth(cyclic.name, cyclic.parameters))


also_called = called("addition", "add", "mod_add", "modular_add", "addition_mod_p", "modular_sum", "clock")
modular_addition = TaskFamily(options=ModularAddition, build=build, also_called=also_called)

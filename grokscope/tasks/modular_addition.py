"""Addition modulo p: (a, b) -> (a + b) mod p, over all p^2 pairs.

Source: Power et al. 2022, arXiv:2201.02177; with tokens [a, b, =]: Nanda et al. 2023, arXiv:2301.05217.
The answers form the cyclic group Z_p; its faithful two-dimensional irreps place it on a circle (b0 = 1, b1 = 1).
"""

import torch
from pydantic import Field

from grokscope.registry import Options
from grokscope.tasks.base import Task, TaskFamily, Truth, number_orbits


class ModularAddition(Options):
    # All p^2 pairs and their p logits are held at once: 4 GB in float32 at p = 1,000.
    p: int = Field(113, ge=3, le=1000, description="modulus [1]")


def build(options: ModularAddition) -> Task:
    p = options.p
    operands = torch.cartesian_prod(torch.arange(p), torch.arange(p))
    a, b = operands.unbind(1)
    return Task(
        operands=operands,
        labels=(a + b) % p,
        orbits=number_orbits(torch.minimum(a, b) * p + torch.maximum(a, b)),
        n_symbols=p,
        n_classes=p,
        truth=Truth(
            group=f"cyclic({p})", manifold="circle", intrinsic_dimension=1, embedding_dimension=2, betti=(1, 1)
        ),
    )


modular_addition = TaskFamily(options=ModularAddition, build=build)

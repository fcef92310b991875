"""The larger of two numbers below p."""

import torch
from pydantic import Field

from grokscope.registry import Options
from grokscope.tasks.base import Task, TaskFamily, Truth, pair_orbits


class Larger(Options):
    p: int = Field(7, ge=2, le=1000, description="how many numbers [1]")


def build(options: Larger) -> Task:
    pairs = torch.cartesian_prod(torch.arange(options.p), torch.arange(options.p))
    low, high = pairs.amin(1), pairs.amax(1)
    return Task(
        inputs=pairs,
        labels=high,
        orbits=pair_orbits(low, high, options.p),
        n_symbols=options.p,
        n_classes=options.p,
        truth=Truth(manifold="segment", intrinsic_dimension=1, embedding_dimension=1, betti=(1,)),
    )


larger = TaskFamily(options=Larger, build=build)

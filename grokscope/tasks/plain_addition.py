"""Addition without a modulus: (a, b) -> a + b, a and b in 0..p-1, with 2p - 1 classes.

The answers lie on a segment: no loop, b0 = 1. With `unordered`, only the p (p + 1) / 2 pairs a <= b are inputs: the toy
of Liu et al. 2022, arXiv:2205.10343, has p = 10 and 55 pairs. The toy learns by regression: each class has a fixed
vector drawn from N(0, 1) in R^30 (`template_dimension=30`), and the answer is the class of the nearest vector.
"""

import dataclasses

import numpy as np
import torch
from pydantic import Field

from grokscope.registry import Options, called, per_replica
from grokscope.tasks._pairs import all_pairs
from grokscope.tasks.base import Task, TaskFamily, Truth


class PlainAddition(Options):
    # All p^2 pairs and their 2p - 1 logits are held at once: 1 GB in float32 at p = 500.
    p: int = Field(59, ge=2, le=500, description="operands are 0..p-1 [1]")
    unordered: bool = Field(False, description="only the pairs with a <= b")
    template_dimension: int = Field(
        0, ge=0, le=10_000, description="components of the vector learned for each class; 0: classes [1]"
    )
    data_seed: int = per_replica(0, ge=0, lt=2**63, description="seed of the classes' vectors")


def build(options: PlainAddition) -> Task:
    symbols = torch.arange(options.p)
    truth = Truth(manifold="segment", intrinsic_dimension=1, embedding_dimension=1, betti=(1,))
    task = all_pairs(symbols[:, None] + symbols[None, :], truth=truth, n_classes=2 * options.p - 1)
    if options.unordered:
        ordered = task.inputs[:, 0] <= task.inputs[:, 1]
        inputs, labels = task.inputs[ordered], task.labels[ordered]
        task = dataclasses.replace(task, inputs=inputs, labels=labels, orbits=torch.arange(len(inputs)))
    if options.template_dimension:
        shape = (task.n_classes, options.template_dimension)
        templates = np.random.default_rng(options.data_seed).standard_normal(shape)
        task = dataclasses.replace(task, templates=torch.from_numpy(templates).float())
    return task


also_called = called("integer_addition", "addition_without_modulus", "toy_addition", "non_modular_addition")
plain_addition = TaskFamily(options=PlainAddition, build=build, also_called=also_called)

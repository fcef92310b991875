"""Sparse parity: the parity of k bits among n_bits; the other bits are noise.

    label = (x_1 + ... + x_k) mod 2,   x uniform in {0, 1}^n_bits

Source: Prieto et al. 2025, arXiv:2501.04697, figure 4 and released code: k = 3 among 43 inputs, 2,000 samples. The k
bits are the first ones: a network without positions does not depend on this choice. Samples are independent, so with
few bits an input may occur twice; at 43 bits the chance is 2e-7.
"""

import numpy as np
import torch
from pydantic import Field, model_validator

from grokscope.registry import Options, called, per_replica
from grokscope.tasks.base import Size, Task, TaskFamily, Truth


class SparseParity(Options):
    n_bits: int = Field(43, ge=1, le=10_000, description="bits of an input [bits]")
    k: int = Field(3, ge=1, description="bits whose parity is the label [bits]")
    n_samples: int = Field(2000, ge=2, le=1_000_000, description="inputs, for training and test together [1]")
    data_seed: int = per_replica(0, ge=0, lt=2**63, description="seed of the inputs")

    @model_validator(mode="after")
    def _check_k(self) -> "SparseParity":
        if self.k > self.n_bits:
            raise ValueError(f"k must be at most n_bits = {self.n_bits}, got {self.k}")
        return self


def build(options: SparseParity) -> Task:
    generator = np.random.default_rng(options.data_seed)
    bits = torch.from_numpy(generator.integers(2, size=(options.n_samples, options.n_bits)))
    return Task(
        inputs=bits.float(),
        labels=bits[:, : options.k].sum(dim=1) % 2,
        orbits=torch.arange(options.n_samples),
        n_classes=2,
        truth=Truth(manifold="points", intrinsic_dimension=0, embedding_dimension=1, betti=(2,)),
    )


def size(options: SparseParity) -> Size:
    # Integers as numpy draws them, and floats.
    work = 8 * options.n_samples * options.n_bits
    return Size(n_inputs=options.n_samples, n_operands=options.n_bits, n_outputs=2, work=work)


# Its inputs are features, which a transformer does not read.
also_called = called("parity", "k_sparse_parity", "sparse_parities", "bit_parity", model="mlp")
also_called |= called("xor", "sparse_xor", model="mlp", k=2)
sparse_parity = TaskFamily(options=SparseParity, build=build, size=size, also_called=also_called)

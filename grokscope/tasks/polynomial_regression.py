"""Regression on a quadratic polynomial that depends on one direction.

    y = (beta . x)^2 / 2,   x ~ N(0, I / D),   beta ~ N(0, I)

Source: Kumar et al. 2024, arXiv:2310.06110, figure 1 and released code (D = 100, 550 training inputs and 1,000 test
inputs). The source calls no answer correct; it reports losses.

x and beta come from separate streams, numpy's PCG64 seeded with (data_seed, 0) and (data_seed, 1): more samples change
neither beta nor the samples before them. The initial weights of a network never come from these streams; in the source
the inputs and the first weights share a key.
"""

import numpy as np
import torch
from pydantic import Field

from grokscope.registry import Options, called, per_replica
from grokscope.tasks.base import Size, Task, TaskFamily


class PolynomialRegression(Options):
    dimension: int = Field(100, ge=1, le=10_000, description="features of an input, D [1]")
    n_samples: int = Field(1550, ge=2, le=1_000_000, description="inputs, for training and test together [1]")
    data_seed: int = per_replica(0, ge=0, lt=2**63, description="seed of the inputs and of beta")


def build(options: PolynomialRegression) -> Task:
    shape = (options.n_samples, options.dimension)
    x = np.random.default_rng((options.data_seed, 0)).standard_normal(shape) / np.sqrt(options.dimension)
    beta = np.random.default_rng((options.data_seed, 1)).standard_normal(options.dimension)
    # A sum in numpy's own order: the last bit of a BLAS product depends on the number of threads.
    y = (x * beta).sum(axis=1, keepdims=True) ** 2 / 2
    return Task(
        inputs=torch.from_numpy(x).float(), labels=torch.from_numpy(y).float(), orbits=torch.arange(options.n_samples)
    )


def size(options: PolynomialRegression) -> Size:
    work = 3 * 8 * options.n_samples * options.dimension
    return Size(n_inputs=options.n_samples, n_operands=options.dimension, n_outputs=1, work=work)


also_called = called("polynomial", "quadratic_regression", "single_index", model="mlp", loss="mse")
polynomial_regression = TaskFamily(options=PolynomialRegression, build=build, size=size, also_called=also_called)

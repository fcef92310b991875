"""Regression on an eigenvector of a quadratic network's initial kernel: targets from easy to hard.

    K(x, x') = (x . x') (1 + eps^2 x . x'),   x ~ N(0, I / D),   y = sqrt(n) v_k

v_k: the k-th eigenvector, from the largest eigenvalue down, of K less its grand mean, over all inputs, trained or not;
its largest entry is positive. K is, up to a factor, the mean over weights N(0, 1) of the tangent kernel of the network
h + (eps / 2) h^2.

Source: Kumar et al. 2024, arXiv:2310.06110, figure 5 and released code: D = 100, 100 inputs to train on and 100 others,
k = 1 to 150. Departure: the source's K is that of the network as drawn, with two neurons. A task does not know the
network's weights, so this K is the mean; a wide network's kernel is close to it. x is drawn as in
`polynomial_regression`.
"""

import numpy as np
import torch
from pydantic import Field, model_validator

from grokscope.registry import Options, per_replica
from grokscope.tasks.base import Task, TaskFamily


class KernelEigenvector(Options):
    dimension: int = Field(100, ge=1, le=10_000, description="features of an input, D [1]")
    n_samples: int = Field(200, ge=2, le=5_000, description="inputs, for training and test together [1]")
    eigenvector: int = Field(1, ge=1, description="which one, k, 1 of the largest eigenvalue [1]")
    eps_kernel: float = Field(0.25, ge=0, description="strength of the quadratic part of the kernel [1]")
    data_seed: int = per_replica(0, ge=0, lt=2**63, description="seed of the inputs")

    @model_validator(mode="after")
    def _there(self) -> "KernelEigenvector":
        if self.eigenvector > self.n_samples:
            raise ValueError(f"eigenvector must be at most n_samples, {self.n_samples}; got {self.eigenvector}")
        return self


def build(options: KernelEigenvector) -> Task:
    shape = (options.n_samples, options.dimension)
    x = np.random.default_rng((options.data_seed, 0)).standard_normal(shape) / np.sqrt(options.dimension)
    dots = np.einsum("id,jd->ij", x, x)
    kernel = dots * (1 + options.eps_kernel**2 * dots)
    _, vectors = np.linalg.eigh(kernel - kernel.mean())
    y = vectors[:, -options.eigenvector] * np.sqrt(options.n_samples)
    y *= np.sign(y[np.abs(y).argmax()])
    return Task(
        inputs=torch.from_numpy(x).float(),
        labels=torch.from_numpy(y).float()[:, None],
        orbits=torch.arange(options.n_samples),
    )


kernel_eigenvector = TaskFamily(options=KernelEigenvector, build=build)

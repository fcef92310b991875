"""The Hessian of a loss over a network's weights, without ever forming it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from grokscope.errors import Missing

Params = Mapping[str, Tensor]
# Step of the central difference of the loss's gradient in the outputs, relative to their size: its error is of the
# order of the step squared, its rounding of 1e-16 over the step.
STEP = 1e-5


@dataclass(frozen=True, kw_only=True, eq=False)
class Curvature:
    """The Hessian H of L(z(w)) at one w, as a product with vectors over all weights in the order of `params`.

        H v = d/de [J(w + e v)^T g] + J^T (dg/dz J v),   J = dz/dw, g = dL/dz

    function: z, the outputs at given weights, twice differentiable (a ReLU's kinks have no curvature). gradient: g at
    given outputs; dg/dz is a central difference, because losses give their gradient only. params: w, preferably in
    float64.

    A product costs three backward passes through graphs that are kept, and the memory of about two backward passes.
    """

    function: Callable[[Params], Float[Tensor, "*output"]]
    gradient: Callable[[Float[Tensor, "*output"]], Float[Tensor, "*output"]]
    params: Params

    @property
    def size(self) -> int:
        """The number of weights."""
        return sum(tensor.numel() for tensor in self.params.values())

    def product(self, v: NDArray) -> Float64[np.ndarray, " weight"]:
        """H v."""
        graph, direction = self._graph, list(self.unflattened(v).values())
        (change,), z = graph.back(graph.pulled, direction, [graph.pulling]), graph.z.detach()
        step = STEP * float(z.norm() / change.norm()) if bool(change.any()) and bool(z.any()) else STEP
        of_gradient = (self.gradient(z + step * change) - self.gradient(z - step * change)) / (2 * step)
        of_jacobian = graph.back(graph.slope, direction, graph.weights)
        of_loss = graph.back([graph.z], [of_gradient], graph.weights)
        pairs = zip(of_jacobian, of_loss, strict=True)
        return np.concatenate([(first + second).flatten().double().numpy() for first, second in pairs])

    @cached_property
    def _graph(self) -> "_Graph":
        """The graphs that every product differentiates: z, and J^T u as a function of u and of the weights."""
        leaves = {name: tensor.detach().requires_grad_() for name, tensor in self.params.items()}
        weights, z = list(leaves.values()), self.function(leaves)
        pulling = torch.zeros_like(z, requires_grad=True)
        fixed = self.gradient(z.detach())

        def pulled(u: Tensor) -> list[Tensor]:
            return list(torch.autograd.grad(z, weights, u, create_graph=True, materialize_grads=True))

        return _Graph(weights=weights, z=z, pulling=pulling, pulled=pulled(pulling), slope=pulled(fixed))

    def unflattened(self, v: NDArray) -> dict[str, Tensor]:
        """A vector over all weights, split into tensors."""
        parts = torch.as_tensor(np.ascontiguousarray(v)).split([tensor.numel() for tensor in self.params.values()])
        return {
            name: part.view_as(tensor).to(tensor.dtype)
            for (name, tensor), part in zip(self.params.items(), parts, strict=True)
        }

    def top(
        self, n: int = 1, *, tolerance: float = 1e-4, seed: int = 0
    ) -> tuple[Float64[np.ndarray, " eigenvalue"], Float64[np.ndarray, "weight eigenvalue"]] | Missing:
        """The n largest eigenvalues (algebraically, descending) and their unit eigenvectors, by Lanczos iteration.

        tolerance: relative, of the eigenvalues. seed: of the first vector. `Missing` where they do not converge.
        """
        if not 1 <= n < self.size:
            raise ValueError(f"n must lie in 1..{self.size - 1}, got {n}")
        start = np.random.default_rng(seed).standard_normal(self.size)
        options: dict[str, Any] = {"which": "LA", "v0": start, "tol": tolerance}
        try:
            values, vectors = eigsh(_Operator(self), k=n, **options)
        except ArpackNoConvergence:
            return Missing("the largest eigenvalues of the Hessian did not converge")
        return values[::-1], vectors[:, ::-1]


class _Operator(LinearOperator):
    """H as scipy takes it."""

    def __init__(self, curvature: Curvature) -> None:
        super().__init__(np.float64, (curvature.size, curvature.size))
        self.curvature = curvature

    def _matvec(self, x: NDArray) -> NDArray:
        return self.curvature.product(x)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Graph:
    """weights, z: leaves and outputs. pulled: J^T pulling, for any pulling. slope: J^T g with g fixed."""

    weights: list[Tensor]
    z: Tensor
    pulling: Tensor
    pulled: list[Tensor]
    slope: list[Tensor]

    @staticmethod
    def back(outputs: Sequence[Tensor], directions: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Tensor]:
        """Gradient of <outputs, directions> in the inputs; 0 where they do not depend on them."""
        pairs = [(out, along) for out, along in zip(outputs, directions, strict=True) if out.requires_grad]
        if not pairs:
            return [torch.zeros_like(tensor) for tensor in inputs]
        ends, along = zip(*pairs, strict=True)
        return list(torch.autograd.grad(ends, inputs, along, retain_graph=True, materialize_grads=True))

"""Grokfast-EMA: amplifies the slow part of the gradient.

    mu <- alpha mu + (1 - alpha) g,   g <- g + lamb mu

Source: Lee et al. 2024, arXiv:2405.20233, algorithm 2 and the released grokfast.py (defaults there: alpha 0.98, lamb
2). mu starts as the first gradient, as in the released code, so the first step already moves by (1 + lamb) g; from 0 it
would be (1 + lamb (1 - alpha)) g.
"""

from typing import final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from grokscope.training.captured import Step, is_first
from grokscope.training.transforms.base import Transform


@final
class Grokfast(Transform):
    """alpha: share of the mean kept a step, in [0, 1); lamb: gain of the slow part, at least 0; columns of replicas."""

    when = "before"

    def __init__(
        self,
        params: Float[Tensor, "replica parameter"],
        *,
        alpha: Float64[Tensor, "replica 1"],
        lamb: Float64[Tensor, "replica 1"],
    ) -> None:
        if not ((alpha >= 0) & (alpha < 1)).all():
            raise ValueError(f"alpha must lie in [0, 1), got {alpha.flatten().tolist()}")
        if not (lamb >= 0).all():
            raise ValueError(f"lamb must be at least 0, got {lamb.flatten().tolist()}")
        self.state = {"slow_gradient": torch.zeros_like(params)}
        self._weight, self._lamb = (1 - alpha).to(params), lamb.to(params)

    def apply(self, params: Tensor, gradients: Tensor, *, step: Step) -> None:  # noqa: ARG002
        slow = self.state["slow_gradient"]
        if is_first(step):
            slow.copy_(gradients)
        else:
            slow.lerp_(gradients, self._weight)
        gradients.addcmul_(slow, self._lamb)


grokfast = Grokfast

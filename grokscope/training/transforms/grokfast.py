"""Grokfast-EMA: amplifies the slow part of the gradient.

    mu <- alpha mu + (1 - alpha) g,   g <- g + lamb mu

Source: Lee et al. 2024, arXiv:2405.20233, algorithm 2 and the released grokfast.py (defaults there: alpha 0.98, lamb
2). mu starts as the first gradient, as in the released code: the first step moves by (1 + lamb) g. A start at 0 would
give (1 + lamb (1 - alpha)) g.
"""

from collections.abc import Sequence
from typing import ClassVar, Self, final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from grokscope.registry import per_replica
from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step, is_first
from grokscope.training.flat import Flat
from grokscope.training.optimizers.base import column
from grokscope.training.transforms.base import Transform, TransformOptions


class GrokfastOptions(TransformOptions):
    """The gain, and the memory of the slow part."""

    came_later: ClassVar[bool] = False

    grokfast_gain: float = per_replica(
        0.0, ge=0, description="Grokfast: gain of the slow part of the gradient; 0: off [1]"
    )
    grokfast_memory: float = per_replica(
        0.98, ge=0, lt=1, description="Grokfast: share of the slow part kept a step [1]"
    )

    @property
    def is_on(self) -> bool:
        return self.grokfast_gain > 0


@final
class Grokfast(Transform):
    """alpha: share of the mean kept a step, in [0, 1); lamb: gain of the slow part, at least 0; columns of replicas."""

    options = GrokfastOptions
    when = "before"

    def __init__(
        self,
        params: Float[Tensor, "replica parameter"],
        *,
        alpha: Float64[Tensor, "replica 1"],
        lamb: Float64[Tensor, "replica 1"],
    ) -> None:
        self.state = {"slow_gradient": torch.zeros_like(params)}
        self._weight, self._lamb = (1 - alpha).to(params), lamb.to(params)

    @classmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:
        memory = column(configs, lambda config: config.grokfast_memory, flat.params)
        gain = column(configs, lambda config: config.grokfast_gain, flat.params)
        return cls(flat.params, alpha=memory, lamb=gain)

    def apply(self, params: Tensor, gradients: Tensor, *, step: Step) -> None:  # noqa: ARG002
        slow = self.state["slow_gradient"]
        if is_first(step):
            slow.copy_(gradients)
        else:
            slow.lerp_(gradients, self._weight)
        gradients.addcmul_(slow, self._lamb)


grokfast = Grokfast

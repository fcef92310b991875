"""Shared by Adam and AdamW: the moments of the gradient and the step that follows from them.

    m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2
    theta <- theta - eta (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)       t = step + 1

Source: Kingma & Ba 2015, arXiv:1412.6980. The corrections are factors per replica, as at the end of the paper's section
2, and every pass over memory writes into an existing array:

    theta <- theta - (eta c / (1 - b1^t)) m / (sqrt(v) + c eps),   c = sqrt(1 - b2^t)
"""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from grokscope.registry import per_replica
from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.optimizers.base import Betas, OptimizerOptions, column


class MomentOptions(OptimizerOptions):
    """Hyper-parameters of the moments."""

    betas: Betas = per_replica((0.9, 0.98), description="decay rates of the two moments a step [1]")
    eps: float = per_replica(1e-8, gt=0, description="offset of the denominator [1]")

    @property
    def decay_sets_the_time(self) -> bool:
        return True


@final
class Moments:
    """First and second moments of a pack's gradients. scratch: a buffer that may hold the gradients given to `step`."""

    def __init__(self, configs: Sequence[RunConfig], params: Float[Tensor, "replica parameter"]) -> None:
        self.state = {"first_moment": torch.zeros_like(params), "second_moment": torch.zeros_like(params)}
        self.scratch = torch.empty_like(params)
        self._beta1 = column(configs, lambda config: config.betas[0], params)
        self._beta2 = column(configs, lambda config: config.betas[1], params)
        self._eps = column(configs, lambda config: config.eps, params)

    def step(
        self,
        params: Float[Tensor, "replica parameter"],
        gradients: Float[Tensor, "replica parameter"],
        *,
        step: Step,
        rates: Float64[Tensor, "replica 1"],
    ) -> None:
        """Updates the moments by the gradients and moves the parameters."""
        first, second, scratch = self.state["first_moment"], self.state["second_moment"], self.scratch
        correction1 = 1 - self._beta1 ** (step + 1)
        correction2 = (1 - self._beta2 ** (step + 1)).sqrt()

        def rounded(x: Tensor) -> Tensor:
            return x.to(params.dtype)

        first.lerp_(gradients, rounded(1 - self._beta1))
        torch.mul(gradients, gradients, out=scratch)
        second.lerp_(scratch, rounded(1 - self._beta2))
        # With an offset that rounds to 0, elements without gradient, such as padding between tensors, would be 0/0.
        offset = rounded(correction2 * self._eps).clamp_min_(torch.finfo(params.dtype).tiny)
        torch.sqrt(second, out=scratch).add_(offset)
        torch.div(first, scratch, out=scratch)
        params.addcmul_(scratch, rounded(-rates * correction2 / correction1))

"""Lion: the sign of an average of the gradient, with decoupled weight decay.

    u <- sign(b1 m + (1 - b1) g),   m <- b2 m + (1 - b2) g
    theta <- theta - eta (u + lambda theta)

Source: Chen et al. 2023, arXiv:2302.06675, algorithm 2; m starts at 0. The defaults are the paper's (0.9, 0.99). Every
weight moves by the rate. So the paper advises a rate 3 to 10 times smaller than AdamW's, and a weight decay larger by
the same factor.
"""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from grokscope.registry import per_replica
from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.optimizers.base import Betas, Optimizer, OptimizerOptions, column


class LionOptions(OptimizerOptions):
    """Lion's own hyper-parameters."""

    betas: Betas = per_replica(
        (0.9, 0.99), description="share of the average in the step, and share of it that is kept a step [1]"
    )


@final
class Lion(Optimizer):
    """The step is 0 where average and gradient are 0: in the padding, and in replicas that have ended."""

    options = LionOptions

    def __init__(self, configs: Sequence[RunConfig], params: Tensor) -> None:
        self.state = {"average": torch.zeros_like(params)}
        self._of_step = column(configs, lambda config: 1 - config.betas[0], params).to(params)
        self._of_average = column(configs, lambda config: 1 - config.betas[1], params).to(params)

    def update(self, params: Tensor, gradients: Tensor, *, step: Step, rates: Tensor, decay: Tensor) -> None:  # noqa: ARG002
        average = self.state["average"]
        direction = average.lerp(gradients, self._of_step).sign_()
        average.lerp_(gradients, self._of_average)
        params.mul_((1 - rates * decay).to(params.dtype))
        params.addcmul_(direction, (-rates).to(params.dtype))


lion = Lion

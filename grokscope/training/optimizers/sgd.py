"""Gradient descent with heavy-ball momentum and weight decay inside the gradient.

    b <- mu b + g + lambda theta,   theta <- theta - eta b

Source: Polyak 1964, in the form of torch.optim.SGD (dampening 0, no Nesterov step): the learning rate multiplies the
whole buffer. The buffer starts at 0; after the first step it is the first gradient, as in torch.
"""

from collections.abc import Sequence
from typing import ClassVar, final

import torch
from torch import Tensor

from grokscope.registry import called, per_replica
from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.optimizers.base import Optimizer, OptimizerOptions, column


class SGDOptions(OptimizerOptions):
    """Gradient descent's own hyper-parameter."""

    momentum: float = per_replica(0.0, ge=0, lt=1, description="share of the last step's direction that is kept [1]")

    @property
    def is_plain(self) -> bool:
        return self.momentum == 0


@final
class SGD(Optimizer):
    """One code path for every momentum: a replica's bits must not depend on the momentum of the others."""

    options = SGDOptions
    also_called: ClassVar = called("gd", "gradient_descent", "full_batch_gd") | called(
        "momentum", "sgd_momentum", momentum=0.9
    )

    def __init__(self, configs: Sequence[RunConfig], params: Tensor) -> None:
        self.state = {"momentum_buffer": torch.zeros_like(params)}
        self._momentum = column(configs, lambda config: config.momentum, params)

    def update(self, params: Tensor, gradients: Tensor, *, step: Step, rates: Tensor, decay: Tensor) -> None:  # noqa: ARG002
        buffer = self.state["momentum_buffer"]
        torch.addcmul(gradients, buffer, self._momentum.to(params.dtype), out=buffer)
        buffer.addcmul_(params, decay.to(params.dtype))
        params.addcmul_(buffer, (-rates).to(params.dtype))


sgd = SGD

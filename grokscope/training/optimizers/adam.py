"""Adam with weight decay inside the gradient.

    g <- g + lambda theta, then Adam's step

This is the L2 penalty lambda/2 |theta|^2, as in torch.optim.Adam. The decay passes through the moments, so large
gradients weaken it (Loshchilov & Hutter 2019, arXiv:1711.05101, section 2).

Source: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.
"""

from collections.abc import Sequence
from typing import ClassVar, final

import torch
from torch import Tensor

from grokscope.registry import called
from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.optimizers._moments import MomentOptions, Moments
from grokscope.training.optimizers.base import Optimizer


@final
class Adam(Optimizer):
    options = MomentOptions
    also_called: ClassVar = called("adam_l2", "vanilla_adam")

    def __init__(self, configs: Sequence[RunConfig], params: Tensor) -> None:
        self._moments = Moments(configs, params)
        self.state = self._moments.state

    def update(self, params: Tensor, gradients: Tensor, *, step: Step, rates: Tensor, decay: Tensor) -> None:
        penalised = torch.addcmul(gradients, params, decay.to(params.dtype), out=self._moments.scratch)
        self._moments.step(params, penalised, step=step, rates=rates)


adam = Adam

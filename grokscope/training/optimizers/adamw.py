"""AdamW: Adam with weight decay beside the gradient, not in it.

    theta <- theta (1 - eta lambda), then Adam's step

Source: Loshchilov & Hutter 2019, arXiv:1711.05101, as torch.optim.AdamW takes it: the decay is multiplied by the
learning rate.
"""

from collections.abc import Sequence
from typing import final

from torch import Tensor

from grokscope.runs.config import RunConfig
from grokscope.training.optimizers._moments import MomentOptions, Moments
from grokscope.training.optimizers.base import Optimizer


class AdamWOptions(MomentOptions):
    """AdamW's own hyper-parameters."""


@final
class AdamW(Optimizer):
    options = AdamWOptions

    def __init__(self, configs: Sequence[RunConfig], params: Tensor) -> None:
        self._moments = Moments(configs, params)
        self.state = self._moments.state

    def update(self, params: Tensor, gradients: Tensor, *, step: int, rates: Tensor, decay: Tensor) -> None:
        params.mul_((1 - rates * decay).to(params.dtype))
        self._moments.step(params, gradients, step=step, rates=rates)


adamw = AdamW

"""AdamW with a learning rate, weight decay and betas for each replica of a pack.

    theta <- theta (1 - eta lambda)
    m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2
    theta <- theta - eta (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)       t = step + 1

Source: Loshchilov & Hutter 2019, arXiv:1711.05101; the order of operations is that of torch.optim.AdamW.
"""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from grokscope.runs.config import RunConfig
from grokscope.training.optimizers.base import Optimizer, column


@final
class AdamW(Optimizer):
    def __init__(self, configs: Sequence[RunConfig], params: Tensor) -> None:
        self.state = {"first_moment": torch.zeros_like(params), "second_moment": torch.zeros_like(params)}
        self._scratch = torch.empty_like(params)
        self._decay = column(configs, lambda config: config.weight_decay, params)
        self._beta1 = column(configs, lambda config: config.betas[0], params)
        self._beta2 = column(configs, lambda config: config.betas[1], params)
        self._eps = column(configs, lambda config: config.eps, params)

    def update(self, params: Tensor, gradients: Tensor, *, step: int, rates: Tensor) -> None:
        first, second, scratch = self.state["first_moment"], self.state["second_moment"], self._scratch
        correction1 = 1 - self._beta1 ** (step + 1)
        correction2 = (1 - self._beta2 ** (step + 1)).sqrt()

        def rounded(x: Tensor) -> Tensor:
            return x.to(params.dtype)

        params.mul_(rounded(1 - rates * self._decay))
        first.lerp_(gradients, rounded(1 - self._beta1))
        second.mul_(rounded(self._beta2)).addcmul_(gradients, gradients * rounded(1 - self._beta2))
        torch.sqrt(second, out=scratch).div_(rounded(correction2)).add_(rounded(self._eps))
        torch.div(first, scratch, out=scratch).mul_(rounded(rates / correction1))
        params.sub_(scratch)


adamw = AdamW

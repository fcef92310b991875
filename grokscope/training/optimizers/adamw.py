"""AdamW: Adam with weight decay outside the gradient.

    theta <- theta (1 - eta lambda), then Adam's step

Source: Loshchilov & Hutter 2019, arXiv:1711.05101, in the form of torch.optim.AdamW: the learning rate multiplies the
decay.
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

# From this number of parameters per replica, one fused kernel per replica costs less than passes over all replicas.
FUSED_FROM = 1 << 16


@final
class AdamW(Optimizer):
    options = MomentOptions
    also_called: ClassVar = called("adam_with_decay", "decoupled_adam")

    def __init__(self, configs: Sequence[RunConfig], params: Tensor) -> None:
        self._moments = Moments(configs, params)
        self.state = self._moments.state
        self._betas = [config.betas for config in configs]
        self._eps = [max(config.eps, torch.finfo(params.dtype).tiny) for config in configs]  # 0 would make 0/0

    def update(self, params: Tensor, gradients: Tensor, *, step: Step, rates: Tensor, decay: Tensor) -> None:
        if params.shape[1] >= FUSED_FROM and rates.shape[1] == decay.shape[1] == 1 and isinstance(step, int):
            self._update_fused(params, gradients, step=step, rates=rates, decay=decay)
            return
        params.mul_((1 - rates * decay).to(params.dtype))
        self._moments.step(params, gradients, step=step, rates=rates)

    def _update_fused(self, params: Tensor, gradients: Tensor, *, step: int, rates: Tensor, decay: Tensor) -> None:
        """The same step in one pass over memory, replica by replica, by the kernel of torch.optim.AdamW(fused=True)."""
        first, second = self.state["first_moment"], self.state["second_moment"]
        count = torch.tensor(float(step + 1))
        for replica, (rate, share) in enumerate(zip(rates.flatten().tolist(), decay.flatten().tolist(), strict=True)):
            beta1, beta2 = self._betas[replica]
            torch._fused_adamw_(  # pyright: ignore[reportPrivateImportUsage]
                [params[replica]], [gradients[replica]], [first[replica]], [second[replica]], [], [count],
                lr=rate, beta1=beta1, beta2=beta2, weight_decay=share, eps=self._eps[replica],
                amsgrad=False, maximize=False, grad_scale=None, found_inf=None,
            )  # fmt: skip


adamw = AdamW

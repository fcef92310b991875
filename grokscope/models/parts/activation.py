"""Activation functions by name, with derivatives for gradients computed by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

ActivationName = Literal["relu", "quadratic", "tanh", "gelu", "identity"]


@dataclass(frozen=True, kw_only=True)
class Activation:
    """function: h -> phi(h). backward: (d loss / d phi, h) -> d loss / d h. by_output: backward takes phi(h) for h."""

    function: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]
    by_output: bool = False


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(
        function=torch.relu,
        backward=lambda d, post: torch.ops.aten.threshold_backward.grad_input(d, post, 0, grad_input=d),
        by_output=True,
    ),
    "quadratic": Activation(function=torch.square, backward=lambda d, pre: d.mul_(pre).mul_(2)),
    "tanh": Activation(function=torch.tanh, backward=lambda d, post: d.mul_(1 - post**2), by_output=True),
    "gelu": Activation(
        function=torch.nn.functional.gelu, backward=lambda d, pre: d.copy_(torch.ops.aten.gelu_backward(d, pre))
    ),
    "identity": Activation(function=lambda h: h, backward=lambda d, _: d),
}

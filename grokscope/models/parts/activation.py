"""Activation functions by name, with derivatives for gradients computed by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

ActivationName = Literal["relu", "quadratic", "tanh", "gelu", "identity"]


@dataclass(frozen=True, kw_only=True)
class Activation:
    """function: h -> phi(h). backward: (d loss / d phi, h, into) writes d loss / d h into an array, which may be the
    first. by_output: backward takes phi(h) for h."""

    function: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor, Tensor], Tensor]
    by_output: bool = False


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(
        function=torch.relu,
        backward=lambda d, post, into: torch.ops.aten.threshold_backward.grad_input(d, post, 0, grad_input=into),
        by_output=True,
    ),
    "quadratic": Activation(function=torch.square, backward=lambda d, pre, into: torch.mul(d, pre, out=into).mul_(2)),
    "tanh": Activation(
        function=torch.tanh, backward=lambda d, post, into: torch.mul(d, 1 - post**2, out=into), by_output=True
    ),
    "gelu": Activation(
        function=torch.nn.functional.gelu,
        backward=lambda d, pre, into: into.copy_(torch.ops.aten.gelu_backward(d, pre)),
    ),
    "identity": Activation(function=lambda h: h, backward=lambda d, _, into: into.copy_(d)),
}

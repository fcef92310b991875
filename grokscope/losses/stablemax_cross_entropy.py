"""Cross-entropy of StableMax, which grows linearly where softmax grows exponentially.

    p_i = s(x_i) / sum_j s(x_j),   s(x) = x + 1 for x >= 0, 1 / (1 - x) for x < 0
        = softmax(g(x))_i,         g(x) = sign(x) log(1 + |x|)
    loss = -log p_y                [nats]

Source: Prieto et al. 2025, arXiv:2501.04697, definition 4 and proposition 1. We form log softmax(g(x)), which is exact
for small losses and finite for logits such as 1e16; the released code takes the logarithm of the ratio, always in
float64 and with 1e-30 added to 1 - x.
"""

import torch
from torch import Tensor

from grokscope.losses.base import Loss, SoftmaxOptions
from grokscope.losses.cross_entropy import softmax_loss
from grokscope.registry import called


def losses_and_gradient(
    outputs: Tensor, targets: Tensor, options: SoftmaxOptions, with_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """StableMax cross-entropy in nats, float64: of each sample, or (default) their mean.

    softmax_dtype: every step is rounded to it, as in `cross_entropy`. StableMax collapses too, but later: with the
    correct logit at S and n others at -S the loss is 0 where n / (1 + S)^2 vanishes beside 1.

    The gradient is (p_i - [i = y]) / (1 + |x_i|), at x = 0 too, where differentiating sign(x) by rote would give 0.
    """
    x = outputs.to(getattr(torch, options.softmax_dtype))
    size = x.abs()
    losses, gradient = softmax_loss(torch.copysign(size.log1p(), x), targets, with_gradient)
    if gradient is not None:
        gradient.div_(size.add_(1))
    return losses, gradient


also_called = called("stablemax", "stablemax_loss")
stablemax_cross_entropy = Loss(options=SoftmaxOptions, function=losses_and_gradient, also_called=also_called)

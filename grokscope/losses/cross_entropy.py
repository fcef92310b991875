"""Cross-entropy with a softmax of a chosen dtype.

    loss = log sum_k exp(z_k) - z_y        [nats]

In float32 this difference has a quantum of 1.2e-7, which itself causes loss spikes and softmax collapse (Nanda et al.
2023, released notebook; Prieto et al. 2025, arXiv:2501.04697, section 3). By default the logits may be float32, but the
sum, the loss and the correct class's gradient p_y - 1 are formed in float64; only the finished gradient is rounded to
the dtype of the logits.
"""

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from grokscope.losses.base import Loss, SoftmaxOptions, class_index
from grokscope.registry import called


class CrossEntropyOptions(SoftmaxOptions):
    label_smoothing: float = Field(0.0, ge=0, le=1, description="share of the target spread over all classes [1]")
    temperature: float = Field(1.0, gt=0, description="logits are divided by it [1]")


def losses_and_gradient(
    outputs: Tensor, targets: Tensor, options: CrossEntropyOptions, with_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """Cross-entropy in nats, float64: of each sample, or (default) their mean.

    label_smoothing e, of C classes: the target is (1 - e) onehot + e / C, and the loss e (z_y - mean z) larger.

    softmax_dtype: the logits are cast to it and every step is rounded to it: shift by the maximum, exponentials, their
    total, logarithm, quotients p and p_y - 1. Loss and gradient of the correct class are exactly 0 in the same samples:
    those whose largest logit is the correct one and whose total rounds to 1, the softmax collapse of Prieto et al. 2025
    (definition 3). The gradient of the wrong classes stays until their exponentials underflow.

    The total is torch.sum over the contiguous class axis. For float16 and bfloat16 torch adds in float32 and rounds the
    total once, on CPU and CUDA: n equal wrong classes, m below the correct one, collapse from m = ln(n 2^p) on (p bits
    of significand: 11 and 8). Strictly sequential float16 sums would collapse from ln(2^p) on. In float32 and float64
    (p = 24 and 53) torch adds by lanes, whose number depends on the processor: the margin lies between these two.

    Two departures from runs wholly in the low dtype: the mean over samples and its backward are in float64 and in the
    dtype of the logits, and logits that overflow float16 (beyond 65504) give NaN, which ends a replica.
    """
    z = outputs.to(getattr(torch, options.softmax_dtype))
    if options.temperature != 1:
        z = z / options.temperature
    losses, gradient = softmax_loss(z, targets, with_gradient)
    share = options.label_smoothing
    if share:
        index = class_index(z, targets)
        losses = losses + share * (z.gather(-1, index).squeeze(-1) - z.mean(-1)).double()
    if gradient is not None and share:
        gradient.sub_(share / z.shape[-1]).scatter_add_(-1, index, torch.full_like(gradient[..., :1], share))
    if gradient is not None and options.temperature != 1:
        gradient.div_(options.temperature)
    return losses, gradient


def softmax_loss(
    logits: Float[Tensor, "*batch class"], labels: Int[Tensor, "*batch"], with_gradient: bool
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch class"] | None]:
    """-log softmax(z)_y, formed in the dtype of the logits and returned in float64, and softmax(z) - onehot(y)."""
    index = class_index(logits, labels)
    z = logits - logits.amax(-1, keepdim=True)
    z_y = z.gather(-1, index)
    exponentials = z.exp_()
    total = exponentials.sum(-1, keepdim=True)
    gradient = None
    if with_gradient:
        gradient = exponentials.div_(total)
        gradient.scatter_add_(-1, index, torch.full_like(total, -1.0))
    return (total.log() - z_y).squeeze(-1).double(), gradient


also_called = called(
    "ce", "ce_loss", "xent", "cross_entropy_loss", "softmax_cross_entropy", "log_loss", "nll", "nll_loss"
)
cross_entropy = Loss(options=CrossEntropyOptions, function=losses_and_gradient, also_called=also_called)

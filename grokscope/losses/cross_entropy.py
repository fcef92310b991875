"""Cross-entropy with a softmax of a chosen dtype.

    loss = log sum_k exp(z_k) - z_y        [nats]

In float32 this difference has a quantum of 1.2e-7, which makes loss spikes and softmax collapse of its own (Nanda et
al. 2023, released notebook; Prieto et al. 2025, arXiv:2501.04697, section 3). By default the logits may be float32, but
the sum, the loss and the correct class's gradient p_y - 1 are formed in float64, and only the finished gradient is
rounded to the dtype of the logits.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.losses.base import Loss, SoftmaxOptions, class_index


def losses_and_gradient(
    outputs: Tensor, targets: Tensor, options: SoftmaxOptions, with_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """Cross-entropy in nats, float64: of each sample, or (default) their mean.

    softmax_dtype: the logits are cast to it and every step is rounded to it: shift by the maximum, exponentials, their
    total, logarithm, quotients p and p_y - 1. Loss and gradient of the correct class are exactly 0 in the same samples:
    where the largest logit is the correct one and the total rounds to 1, the softmax collapse of Prieto et al. 2025
    (definition 3). The gradient of the wrong classes stays, until their exponentials underflow.

    The total is torch.sum over the contiguous class axis. For float16 and bfloat16 torch adds in float32 and rounds the
    total once, on CPU and CUDA: n equal wrong classes, m below the correct one, collapse from m = ln(n 2^p) on (p bits
    of significand: 11 and 8), where strictly sequential float16 sums would from ln(2^p) on. In float32 and float64
    (p = 24 and 53) it adds by lanes, whose number depends on the processor: the margin lies between those two.

    Two departures from runs wholly in the low dtype: the mean over samples and its backward are float64 and the logits'
    own dtype, and logits that overflow float16 (beyond 65504) give NaN, which ends a replica.
    """
    return softmax_loss(outputs.to(getattr(torch, options.softmax_dtype)), targets, with_gradient)


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


cross_entropy = Loss(options=SoftmaxOptions, function=losses_and_gradient)

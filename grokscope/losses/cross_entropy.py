"""Cross-entropy with the softmax accumulated in float64.

    loss = log sum_k exp(z_k) - z_y        [nats]

In float32 this difference has a quantum of 1.2e-7, which makes loss spikes and softmax collapse of its own (Nanda et
al. 2023, released notebook; Prieto et al. 2025, arXiv:2501.04697). The logits may be float32; the sum, the loss and
the correct class's gradient p_y - 1 are formed in float64, and only the finished gradient is rounded to the dtype of
the logits.
"""

from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable


def cross_entropy(
    logits: Float[Tensor, "*batch class"],
    labels: Int[Tensor, "*batch"],
    *,
    reduction: Literal["mean", "none"] = "mean",
) -> Float[Tensor, "..."]:
    """Cross-entropy in nats, float64: of each sample, or (default) their mean."""
    if reduction not in ("mean", "none"):
        raise ValueError(f"reduction must be 'mean' or 'none', got {reduction!r}")
    losses = _CrossEntropy.apply(torch.as_tensor(logits), torch.as_tensor(labels).long())
    return losses.mean() if reduction == "mean" else losses


class _CrossEntropy(torch.autograd.Function):
    """The gradient softmax(z) - onehot(y) is finished in the forward pass, where the exponentials are at hand."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        index = labels.unsqueeze(-1)
        z = logits.double()
        z = z - z.amax(-1, keepdim=True)
        z_y = z.gather(-1, index)
        exponentials = z.exp_()
        total = exponentials.sum(-1, keepdim=True)
        if ctx.needs_input_grad[0]:
            gradient = exponentials.div_(total)
            gradient.scatter_add_(-1, index, torch.full_like(total, -1.0))
            ctx.save_for_backward(gradient.to(logits.dtype))
        return (total.log() - z_y).squeeze(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad_outputs[0].unsqueeze(-1).to(gradient.dtype), None

"""A loss: the loss of each sample with its gradient, and its options.

The forward pass computes the gradient in the outputs, since it has all the values needed; the backward pass only scales
it. Losses are float64, whatever dtype they were formed in, so that their mean adds no rounding.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, final

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from torch.autograd.function import once_differentiable

from grokscope.registry import Options

# (outputs, targets, options, with_gradient) -> losses (*batch) in float64, gradient (*batch, output) or None
Rule = Callable[[Tensor, Tensor, Any, bool], tuple[Tensor, Tensor | None]]


class SoftmaxOptions(Options):
    """Options of the losses that normalise over classes."""

    softmax_dtype: Literal["float16", "bfloat16", "float32", "float64"] = Field(
        "float64", description="dtype in which the softmax and its gradient are formed"
    )


@final
@dataclass(frozen=True, kw_only=True)
class Loss:
    """A loss: outputs and targets (tensors or numpy) -> float64 losses of the samples, or their mean.

    options: the record of its options; a call takes them by name and refuses others. function: the rule; the loss has
    its docstring. also_called: as of a `TaskFamily`.
    """

    options: type[Options]
    function: Rule
    also_called: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self.function.__doc__)

    def __call__(
        self,
        outputs: Float[Tensor, "*batch output"],
        targets: Int[Tensor, "*batch"] | Float[Tensor, "*batch output"],
        *,
        reduction: Literal["mean", "none"] = "mean",
        **options: Any,
    ) -> Float[Tensor, "..."]:
        """The loss of each sample ("none") or (default) their mean; differentiable once in the outputs."""
        if reduction not in ("mean", "none"):
            raise ValueError(f"reduction must be 'mean' or 'none', got {reduction!r}")
        chosen = self.options(**options)
        losses = _Finished.apply(torch.as_tensor(outputs), torch.as_tensor(targets), chosen, self.function)
        return losses.mean() if reduction == "mean" else losses


def class_index(outputs: Tensor, labels: Tensor) -> Int[Tensor, "*batch 1"]:
    """Labels as an index into the last axis. ValueError unless they are integers, one a sample."""
    if labels.is_floating_point():
        kind = str(labels.dtype).removeprefix("torch.")
        raise ValueError(f"this loss needs class labels (integers), got {kind}; for a regression use the loss mse")
    if labels.shape != outputs.shape[:-1]:
        raise ValueError(
            f"one label a sample: outputs of shape {tuple(outputs.shape)} need labels of shape "
            f"{tuple(outputs.shape[:-1])}, got {tuple(labels.shape)}"
        )
    return labels.long().unsqueeze(-1)


class _Finished(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, outputs: Tensor, targets: Tensor, options: Options, rule: Rule) -> Tensor:
        losses, gradient = rule(outputs, targets, options, ctx.needs_input_grad[0])
        if gradient is not None:
            ctx.save_for_backward(gradient.to(outputs.dtype))
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad_outputs[0].unsqueeze(-1).to(gradient.dtype), None, None, None

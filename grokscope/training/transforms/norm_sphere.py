"""Training on a sphere: the weights keep the norm they had at step 0.

    theta <- theta |theta_0| / |theta|      after each step of the optimizer

Source: Liu et al. 2022 (Omnigrok), arXiv:2210.01117, in the form of the released MNIST and transformer code: all
parameters are rescaled jointly after the optimizer's step. Here the caller says which tensors count, each of them once
(the released code for the teacher-student and addition tasks takes the first matrix twice).
"""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from grokscope.training.captured import Step
from grokscope.training.transforms.base import Transform


@final
class NormSphere(Transform):
    """params: those of step 0. tensors: the columns of each tensor that counts; the others are left alone.

    A replica whose norm was 0, or whose state was zeroed because it ended, is left alone too.
    """

    when = "after"

    def __init__(self, params: Float[Tensor, "replica parameter"], tensors: Sequence[slice]) -> None:
        if not tensors:
            raise ValueError("a norm needs at least one tensor, got none")
        self._tensors = list(tensors)
        self.state = {"norm": self._norm(params)}

    def apply(self, params: Tensor, gradients: Tensor, *, step: Step) -> None:  # noqa: ARG002
        norm, now = self.state["norm"], self._norm(params)
        factor = torch.where((norm > 0) & (now > 0), norm / now, 1.0).to(params.dtype)
        for columns in self._tensors:
            params[:, columns].mul_(factor)

    def _norm(self, params: Tensor) -> Float64[Tensor, "replica 1"]:
        parts = [torch.linalg.vector_norm(params[:, columns], dim=1, dtype=torch.float64) for columns in self._tensors]
        return torch.linalg.vector_norm(torch.stack(parts), dim=0).unsqueeze(-1)


norm_sphere = NormSphere

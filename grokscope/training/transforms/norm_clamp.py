"""Weights clamped to a norm that is given, from a step on.

    W <- c W,   |W| = c_0   after each step of the optimizer from step t_int on;   moments are kept

Source: arXiv:2606.13753, whose clamp is one factor on all weight matrices so that their joint norm is rho times the
norm W_c at which free runs generalise; it is not said from which step on, so that is given here too. Unlike
`norm_sphere`, which keeps the norm of step 0, the first clamped step jumps to the norm. Biases and gains of LayerNorm
do not count and do not change.
"""

from collections.abc import Sequence
from typing import ClassVar, Self, final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from grokscope.registry import per_replica
from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.flat import Flat
from grokscope.training.optimizers.base import column
from grokscope.training.transforms.base import Transform, TransformOptions


class NormClampOptions(TransformOptions):
    """The norm, and from when on."""

    norm_clamp: float | None = per_replica(
        None, gt=0, description="joint norm of all weight matrices after each step; null: free [1]"
    )
    norm_clamp_start: int = per_replica(0, ge=0, description="first step after which they are clamped [steps]")

    @property
    def is_on(self) -> bool:
        return self.norm_clamp is not None

    @property
    def stops_decay(self) -> bool:
        return self.is_on

    def remarks(self, config: RunConfig) -> list[str]:  # noqa: ARG002
        if self.norm_clamp_start and not self.is_on:
            return [f"norm_clamp_start = {self.norm_clamp_start} changes nothing: norm_clamp is not given"]
        return []


@final
class NormClamp(Transform):
    """tensors: columns of the weight matrices. target: their joint norm, 0 where a replica is free. A replica whose
    weights are all 0, or whose state was zeroed because it ended, does not change either."""

    options: ClassVar[type[TransformOptions]] = NormClampOptions
    when = "after"

    def __init__(
        self, tensors: Sequence[slice], *, target: Float64[Tensor, "replica 1"], start: Float64[Tensor, "replica 1"]
    ) -> None:
        self.state = {"clamped_norm": target}
        self._tensors, self._start = list(tensors), start

    @classmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:
        weights = [columns for name, columns in flat.columns.items() if name.startswith("W_")]
        target = column(configs, lambda config: config.norm_clamp or 0.0, flat.params)
        return cls(weights, target=target, start=column(configs, lambda c: c.norm_clamp_start, flat.params))

    def apply(
        self,
        params: Float[Tensor, "replica parameter"],
        gradients: Float[Tensor, "replica parameter"],  # noqa: ARG002
        *,
        step: Step,
    ) -> None:
        parts = [torch.linalg.vector_norm(params[:, columns], dim=1, dtype=torch.float64) for columns in self._tensors]
        now = torch.linalg.vector_norm(torch.stack(parts), dim=0).unsqueeze(-1)
        norm = self.state["clamped_norm"]
        clamped = (self._start <= step) & (norm > 0) & (now > 0)
        factor = torch.where(clamped, norm / now, 1.0).to(params.dtype)
        for columns in self._tensors:
            params[:, columns].mul_(factor)


norm_clamp = NormClamp

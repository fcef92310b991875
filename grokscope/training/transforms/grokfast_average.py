"""Grokfast-MA: amplifies the mean of the last gradients.

    g <- g + lamb mean(g_t, g_(t-1), ..., g_(t-w+1)),   from the step at which w gradients are known

Source: Lee et al. 2024, arXiv:2405.20233, algorithm 1 and the released grokfast.py (defaults there: w 100, lamb 5, with
warm-up). The window holds the gradients as they came, not the amplified ones, and the present one among them.
"""

from collections.abc import Sequence
from typing import ClassVar, Self, final

import torch
from jaxtyping import Float, Float64
from pydantic import Field
from torch import Tensor

from grokscope.registry import per_replica
from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.flat import Flat
from grokscope.training.optimizers.base import column
from grokscope.training.transforms.base import Transform, TransformOptions


class GrokfastAverageOptions(TransformOptions):
    """The gain, and the length of the window."""

    grokfast_average_gain: float = per_replica(
        0.0, ge=0, description="Grokfast-MA: gain of the mean of the last gradients; 0: off [1]"
    )
    grokfast_window: int = Field(100, ge=1, le=10_000, description="Grokfast-MA: gradients in the mean [steps]")

    @property
    def is_on(self) -> bool:
        return self.grokfast_average_gain > 0


@final
class GrokfastAverage(Transform):
    """window: the last gradients, the oldest overwritten; total: their sum, in float64. lamb: a column of replicas."""

    options: ClassVar[type[TransformOptions]] = GrokfastAverageOptions
    when = "before"

    def __init__(
        self, params: Float[Tensor, "replica parameter"], *, size: int, lamb: Float64[Tensor, "replica 1"]
    ) -> None:
        n_replicas, width = params.shape
        self.state = {
            "window": params.new_zeros(n_replicas, size, width),
            "total": torch.zeros_like(params, dtype=torch.float64),
        }
        self._size, self._share = size, lamb / size

    @classmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:
        gain = column(configs, lambda config: config.grokfast_average_gain, flat.params)
        return cls(flat.params, size=configs[0].grokfast_window, lamb=gain)

    def apply(self, params: Tensor, gradients: Tensor, *, step: Step) -> None:  # noqa: ARG002
        window, total = self.state["window"], self.state["total"]
        now = torch.as_tensor(step, device=window.device)
        place = (now % self._size).view(1)
        total.add_(gradients).sub_(window.index_select(1, place)[:, 0])
        window.index_copy_(1, place, gradients[:, None])
        full = (now + 1 >= self._size).double()
        gradients.add_((full * self._share * total).to(gradients.dtype))


grokfast_average = GrokfastAverage

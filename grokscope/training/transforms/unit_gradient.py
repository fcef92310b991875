"""Normalised gradient descent: the gradient divided by its norm, so that a step's length is the learning rate.

    g <- g / |g|

Source: Prieto et al. 2025, arXiv:2501.04697, figure 9, where SGD's rate is divided by the norm of the full gradient, so
that a small gradient does not stop training. The scheduler is not released. With momentum it would divide the sum of
past gradients by the present norm; here each gradient is divided by its own. The norm is that of all parameters of a
replica; a gradient of 0 stays 0.
"""

from collections.abc import Sequence
from typing import ClassVar, Self, final

import torch
from pydantic import Field
from torch import Tensor

from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.flat import Flat
from grokscope.training.transforms.base import Transform, TransformOptions


class UnitGradientOptions(TransformOptions):
    """On or off."""

    came_later: ClassVar[bool] = False

    unit_gradient: bool = Field(False, description="divide the gradient by its norm: steps as long as the rate")

    @property
    def is_on(self) -> bool:
        return self.unit_gradient


@final
class UnitGradient(Transform):
    """Gives each replica's gradient the norm 1, formed in float64."""

    options = UnitGradientOptions
    when = "before"
    place = 2  # last, so that the norm is 1

    def __init__(self) -> None:
        self.state = {}

    @classmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:  # noqa: ARG003
        return cls()

    def apply(self, params: Tensor, gradients: Tensor, *, step: Step) -> None:  # noqa: ARG002
        # First divide by the largest entry: squares of entries below 1e-162 are 0 even in float64.
        largest = gradients.abs().amax(1, keepdim=True).double()
        scaled = gradients.double() / torch.where(largest > 0, largest, 1.0)
        norm = torch.linalg.vector_norm(scaled, dim=1, keepdim=True)
        gradients.copy_(scaled / torch.where(norm > 0, norm, 1.0))


unit_gradient = UnitGradient

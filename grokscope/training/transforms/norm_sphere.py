"""Training on a sphere: the weights keep the norm they had at step 0.

    theta <- theta |theta_0| / |theta|      after each step of the optimizer

Source: Liu et al. 2023 (Omnigrok), arXiv:2210.01117, in the form of the released MNIST and transformer code: all
parameters are rescaled jointly after the optimizer's step. Here the config names the tensors, and each counts once (the
released code for the teacher-student and addition tasks counts the first matrix twice).
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self, final

import torch
from jaxtyping import Float, Float64
from pydantic import Field, field_validator
from torch import Tensor

from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.flat import Flat
from grokscope.training.transforms.base import Transform, TransformOptions


class NormSphereOptions(TransformOptions):
    """The tensors on the sphere, and the length of a step on it.

    Adam moves each weight by about the rate, whatever the gradient's size. On a sphere of init_scale times the radius
    this turns the weights by 1 / init_scale of the angle: training on a large sphere looks hard because the run hardly
    moves. norm_sphere_step = "angle" multiplies the rate by init_scale, which gives the angle at init_scale 1. The step
    of SGD follows the gradient: there the angles are equal only if the gradient does not depend on the norm.
    """

    came_later: ClassVar[bool] = False

    norm_sphere: tuple[str, ...] = Field(
        (), description='tensors kept at their joint initial norm after each step, or "all"'
    )
    norm_sphere_step: Literal["rate", "angle"] = Field(
        "rate", description="on a norm sphere: the learning rate itself, or times init_scale (for Adam, equal angles)"
    )

    @field_validator("norm_sphere", mode="before")
    @classmethod
    def _one_alone(cls, given: Any) -> Any:
        """A single name may be given without a tuple, as by --set."""
        return (given,) if isinstance(given, str) else given

    @property
    def is_on(self) -> bool:
        return bool(self.norm_sphere)

    @property
    def stops_decay(self) -> bool:
        return self.is_on

    def rate_factor(self, config: RunConfig) -> float:
        return config.init_scale if self.is_on and self.norm_sphere_step == "angle" else 1

    def remarks(self, config: RunConfig) -> list[str]:
        said = []
        if self.is_on and config.weight_decay:
            given = f"weight_decay = {config.weight_decay:g}"
            if "all" not in self.norm_sphere:
                said.append(f"{given} shrinks only the tensors outside norm_sphere: the others are rescaled after it")
            elif not config.tensor_decays:
                said.append(f"{given} shrinks no weight: norm_sphere rescales all of them after each step")
        if self.norm_sphere_step == "angle" and not self.is_on:
            said.append("norm_sphere_step = angle changes nothing: norm_sphere names no tensor")
        return said


@final
class NormSphere(Transform):
    """params: those of step 0. tensors: the columns of each tensor on the sphere; the others do not change.

    A replica with norm 0, or with a state that was zeroed because it ended, does not change either.
    """

    options = NormSphereOptions
    when = "after"

    def __init__(self, params: Float[Tensor, "replica parameter"], tensors: Sequence[slice]) -> None:
        self._tensors = list(tensors)
        self.state = {"norm": self._norm(params)}

    @classmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:
        chosen = configs[0].norm_sphere
        names = flat.columns if "all" in chosen else chosen
        return cls(flat.params, [flat.tensor(name, "norm_sphere") for name in names])

    def apply(self, params: Tensor, gradients: Tensor, *, step: Step) -> None:  # noqa: ARG002
        norm, now = self.state["norm"], self._norm(params)
        factor = torch.where((norm > 0) & (now > 0), norm / now, 1.0).to(params.dtype)
        for columns in self._tensors:
            params[:, columns].mul_(factor)

    def _norm(self, params: Tensor) -> Float64[Tensor, "replica 1"]:
        parts = [torch.linalg.vector_norm(params[:, columns], dim=1, dtype=torch.float64) for columns in self._tensors]
        return torch.linalg.vector_norm(torch.stack(parts), dim=0).unsqueeze(-1)


norm_sphere = NormSphere

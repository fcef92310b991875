"""⊥Grad: gradients without their part along the weights, the direction in which only the logits' size grows.

    g_perp = g - (theta.g / theta.theta) theta

Source: Prieto et al. 2025, arXiv:2501.04697, definition 7: one theta of all weights, no rescaling. The released code
projects tensor by tensor and gives g_perp the norm of g. Both forms are here. Only the gradient is projected: momentum,
Adam's denominators and weight decay bring a radial part back into the step.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self, final

import torch
from jaxtyping import Float, Float64
from pydantic import Field
from torch import Tensor

from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.flat import Flat
from grokscope.training.transforms.base import Transform, TransformOptions

EPS = 1e-30  # of both denominators, as published: theta = 0 does not change g
# Below this share of |g| the rest of a gradient along the weights is float64 rounding (2e-16 an element).
NOISE = 1e-14


class OrthogonalOptions(TransformOptions):
    """The published forms."""

    came_later: ClassVar[bool] = False

    orthogonal_gradient: Literal["off", "per_tensor", "global"] = Field(
        "off", description="take the part along the weights out of the gradient, tensor by tensor or of all at once"
    )
    orthogonal_rescale: bool = Field(True, description="give the rest the norm of the whole gradient")

    @property
    def is_on(self) -> bool:
        return self.orthogonal_gradient != "off"


@final
class Orthogonal(Transform):
    """⊥Grad on flat buffers. tensors: the columns of each tensor; columns outside them keep their gradient.

    per_tensor: each tensor is a theta of its own; else all together are one. rescale: to the norm of g.
    """

    options = OrthogonalOptions
    when = "before"
    place = 1  # after additions to the gradient: the step gets an orthogonal one

    def __init__(self, tensors: Sequence[slice], *, per_tensor: bool = True, rescale: bool = True) -> None:
        self.state = {}
        self._thetas = [[columns] for columns in tensors] if per_tensor else [list(tensors)]
        self._rescale = rescale

    @classmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:
        per_tensor = configs[0].orthogonal_gradient == "per_tensor"
        return cls(list(flat.columns.values()), per_tensor=per_tensor, rescale=configs[0].orthogonal_rescale)

    def apply(self, params: Tensor, gradients: Tensor, *, step: Step) -> None:  # noqa: ARG002
        for theta in self._thetas:
            blocks = [gradients[:, columns] for columns in theta]
            changed = project([params[:, columns] for columns in theta], blocks, rescale=self._rescale)
            for block, new in zip(blocks, changed, strict=True):
                block.copy_(new)


def project(
    weights: Sequence[Float[Tensor, "replica _"]], gradients: Sequence[Float[Tensor, "replica _"]], *, rescale: bool
) -> list[Float64[Tensor, "replica _"]]:
    """g_perp of all blocks together as one theta and one g, for each replica; formed in float64.

    theta = 0: g itself. A gradient along theta, such as any gradient of one element: 0; the released code may rescale
    its rounding error to the norm of g. g = 0: 0 for any theta. Values that are not finite become NaN.
    """
    g = [gradient.double() for gradient in gradients]
    theta = [weight.double() for weight in weights]
    ratio = _dot(theta, g) / (_dot(theta, theta) + EPS)
    left = [torch.addcmul(a, b, -ratio) for a, b in zip(g, theta, strict=True)]
    norm, norm_left = _dot(g, g).sqrt(), _dot(left, left).sqrt()
    scale = norm / (norm_left + EPS) if rescale else torch.ones_like(norm)
    gone = (norm_left <= NOISE * norm) | (norm == 0)
    return [block.mul_(scale).masked_fill_(gone, 0.0) for block in left]


def _dot(a: Sequence[Tensor], b: Sequence[Tensor]) -> Float64[Tensor, "replica 1"]:
    """Inner product over all blocks, float64."""
    return torch.stack([torch.linalg.vecdot(x, y) for x, y in zip(a, b, strict=True)]).sum(0).unsqueeze(-1)


orthogonal = Orthogonal

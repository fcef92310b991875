"""Egalitarian gradient descent: every direction of a matrix's gradient counts the same.

    G <- (G G^T)^(-1/2) G = U V^T,   G = U S V^T

Directions without a gradient stay without one: singular values s become s / max(s, 1e-6).

Source: arXiv:2510.04930, released code 046e066, which changes the gradient of the first layer alone and stops once the
accuracy on TEST inputs is above 0.95. Here it never stops: the test set decides nothing.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Self, final

import torch
from jaxtyping import Float
from pydantic import Field, field_validator
from torch import Tensor

from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.flat import Flat
from grokscope.training.transforms.base import Transform, TransformOptions

FLOOR = 1e-6  # of a singular value, as released


class EgalitarianOptions(TransformOptions):
    """The matrices."""

    egalitarian: tuple[str, ...] = Field(
        (), description="matrices whose gradient has equal singular values, such as W_in (the published choice)"
    )

    @field_validator("egalitarian", mode="before")
    @classmethod
    def _one_alone(cls, given: Any) -> Any:
        """A single name may be given without a tuple, as by --set."""
        return (given,) if isinstance(given, str) else given

    @property
    def is_on(self) -> bool:
        return bool(self.egalitarian)


def equalised(gradient: Float[Tensor, "*batch row column"]) -> Float[Tensor, "*batch row column"]:
    """The gradient with singular values s / max(s, 1e-6), formed in float64."""
    left, values, right = torch.linalg.svd(gradient.double(), full_matrices=False)
    return ((left * (values / values.clamp(min=FLOOR))[..., None, :]) @ right).to(gradient.dtype)


@final
class Egalitarian(Transform):
    """ValueError for a tensor that is unknown or no matrix."""

    options: ClassVar[type[TransformOptions]] = EgalitarianOptions
    when = "before"
    place = 1  # after additions to the gradient

    def __init__(self, flat: Flat, names: Sequence[str]) -> None:
        for name in names:
            flat.tensor(name, "egalitarian")
            if len(flat.shapes[name]) < 2:
                raise ValueError(f"egalitarian: {name} is a vector; only matrices have singular values")
        self.state = {}
        self._flat, self._names = flat, tuple(names)

    @classmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:
        return cls(flat, configs[0].egalitarian)

    def apply(self, params: Tensor, gradients: Tensor, *, step: Step) -> None:  # noqa: ARG002
        tensors = self._flat.views(gradients)
        for name in self._names:
            gradient = tensors[name]
            finite = gradient.isfinite().flatten(1).all(1).view(-1, *[1] * (gradient.ndim - 1))
            gradient.copy_(torch.where(finite, equalised(torch.where(finite, gradient, 0.0)), gradient))


egalitarian = Egalitarian

"""Clip-to-Grok: no row of a weight matrix grows longer than a bound.

    w <- w min(1, c / |w|)      for each row w, after each step of the optimizer

A row is what one output unit reads: in torch's layout (output, input) the last axis; here, where matrices are input by
output, a column. All heads of W_O write to one unit together. A position's vector is a row, and a vector of biases is
one row. Tables of symbols and the unembedding (in networks without W_U: W_out) are left alone, as published.

Source: Volchkov & Rivlin 2026, github.com/NiftyliuS/cliptogrok, README 0c1727a, c = 2.0 there, with rows of the norm c
at the start (`init_scale` sets another).
"""

from collections.abc import Sequence
from typing import ClassVar, Self, final

import torch
from pydantic import Field
from torch import Tensor

from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.flat import Flat, readout
from grokscope.training.transforms.base import Transform, TransformOptions

TABLES = ("W_E", "W_E_right")


class RowClipOptions(TransformOptions):
    """The bound."""

    row_clip: float | None = Field(
        None, gt=0, description="largest norm of a row of each weight matrix; null: none [1]"
    )

    @property
    def is_on(self) -> bool:
        return self.row_clip is not None


@final
class RowClip(Transform):
    """Rows that are short enough are not touched."""

    options: ClassVar[type[TransformOptions]] = RowClipOptions
    when = "after"

    def __init__(self, flat: Flat, bound: float) -> None:
        self.state = {}
        self._flat, self._bound = flat, bound
        self._alone = (*TABLES, readout(flat.shapes))

    @classmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:
        bound = configs[0].row_clip
        assert bound is not None  # it is on
        return cls(flat, bound)

    def apply(self, params: Tensor, gradients: Tensor, *, step: Step) -> None:  # noqa: ARG002
        for name, tensor in self._flat.views(params).items():
            if name not in self._alone:
                norm = torch.linalg.vector_norm(tensor, dim=_axes(name), keepdim=True, dtype=torch.float64)
                tensor.mul_(torch.where(norm > self._bound, self._bound / norm, 1.0).to(tensor.dtype))


def _axes(name: str) -> tuple[int, ...]:
    """The axes of a row. A hidden layer's biases are one row each."""
    if name == "W_O":
        return (-3, -2)
    return (-2,) if name.startswith("W_") and name != "W_pos" else (-1,)


row_clip = RowClip

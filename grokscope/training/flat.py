"""The parameters of a pack as one flat buffer: what an optimizer and a transform are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from grokscope.registry import unknown


def readout(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """The matrix that writes the outputs: W_U, or W_out in networks that have no W_U."""
    return "W_U" if "W_U" in shapes else "W_out"


@dataclass(frozen=True, eq=False)
class Flat:
    """The flat parameters of a pack at step 0. columns: the place of each tensor; shapes: its shape in one replica.
    Between tensors are columns of padding, which stay 0. accuracies: the share of the step's samples that each replica
    answers right before the step, 0 once it has ended; the pack fills it for transforms that say `reads_accuracy`."""

    params: Float[Tensor, "replica parameter"]
    columns: Mapping[str, slice]
    shapes: Mapping[str, tuple[int, ...]]
    accuracies: Float64[Tensor, " replica"] = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))

    def tensor(self, name: str, field: str) -> slice:
        """The columns of a tensor that a field names; ValueError for an unknown tensor."""
        if name not in self.columns:
            raise ValueError(f"{field}: {unknown('tensor', name, self.columns)}")
        return self.columns[name]

    def views(self, buffer: Float[Tensor, "replica parameter"]) -> dict[str, Tensor]:
        """The tensors of a buffer of this layout by name, (replica, ...); they share its memory."""
        return {name: buffer[:, self.columns[name]].view(-1, *shape) for name, shape in self.shapes.items()}

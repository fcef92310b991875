"""How large the logits are."""

import math
from typing import Literal

import torch

from grokscope.errors import Missing, of_all
from grokscope.measures.base import measure
from grokscope.measures.behaviour.margin import margin
from grokscope.runs.snapshots import Snapshots

Of = Literal["rms", "margin", "largest"]


@measure(
    unit="nats",
    source="of our own choice, for naive loss minimisation: Prieto et al. 2025, arXiv:2501.04697, definition 5",
    needs=("classes",),
    packed=True,
)
def logit_scale(snapshots: Snapshots, of: Of = "rms", split: str = "train") -> list[float | Missing]:
    """Size of the logits z as trained. Naive loss minimisation that multiplies z by c multiplies it by c.

        rms      sqrt(mean over inputs and classes of (z_c - mean_c z)^2)
        margin   mean over inputs of z_y - max_{c != y} z_c, which is `behaviour.margin`
        largest  max over inputs and classes of |z_c|, to compare with the range of a dtype

    A common shift of all logits of an input changes neither rms nor margin, nor the softmax.
    """
    if of == "margin":
        return margin.function(snapshots, split)
    z, rows = snapshots.precise_logits, snapshots.rows(split)
    if of == "largest":
        largest = torch.where(rows, z.abs().amax(-1), 0.0).amax(1).tolist()
        return snapshots.among(split, largest.__getitem__)
    squares = snapshots.mean((z - z.mean(-1, keepdim=True)).square().mean(-1), split)
    return [of_all(math.sqrt, square) for square in squares]

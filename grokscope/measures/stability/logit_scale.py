"""How large the logits are."""

import math
from typing import Literal, get_args

import torch

from grokscope.errors import Missing, of_all
from grokscope.measures.base import measure
from grokscope.measures.behaviour.margin import margin
from grokscope.registry import unknown
from grokscope.runs.snapshots import Snapshots

Of = Literal["rms", "margin", "largest"]


@measure(
    unit="nats",
    source="of our own choice, for naive loss minimisation: Prieto et al. 2025, arXiv:2501.04697, definition 5",
    needs=("classes",),
    packed=True,
)
def logit_scale(snapshots: Snapshots, of: Of = "rms", split: str = "train") -> list[float | Missing]:
    """How large the logits z as trained are: times c where naive loss minimisation multiplies them by c.

        rms      sqrt(mean over inputs and classes of (z_c - mean_c z)^2)
        margin   mean over inputs of z_y - max_{c != y} z_c, which is `behaviour.margin`
        largest  max over inputs and classes of |z_c|: what the range of a dtype is compared with

    rms and margin do not change where all logits of an input are shifted alike, as the softmax does not.
    """
    if of not in get_args(Of):
        raise ValueError(unknown("scale", of, get_args(Of)))
    if of == "margin":
        return margin.function(snapshots, split)
    z, rows = snapshots.precise_logits, snapshots.rows(split)
    if of == "largest":
        largest = torch.where(rows, z.abs().amax(-1), 0.0).amax(1).tolist()
        return snapshots.among(split, largest.__getitem__)
    squares = snapshots.mean((z - z.mean(-1, keepdim=True)).square().mean(-1), split)
    return [of_all(math.sqrt, square) for square in squares]

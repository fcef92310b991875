"""How widely each head looks."""

import math

import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor

from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(
    unit="1",
    source="Ghader & Monz 2017, arXiv:1710.03348, equation 8; divided by its largest value",
    needs=("pattern",),
    axis="head",
    packed=True,
)
def entropy(snapshots: Snapshots) -> list[NDArray]:
    """Mean entropy of a head's attention from the last position, divided by the log of the number of keys.

    H = -sum_j A_j log A_j,   result = mean H / log(number of keys),   0 one key, 1 uniform; the mean is over all inputs

    A is scaled to sum to 1. Only a network with an attention rate needs this.
    """
    shares = attention(snapshots)
    nats = torch.special.entr(shares).sum(-1).mean(1)
    return list((nats / math.log(shares.shape[-1])).numpy())


def attention(snapshots: Snapshots) -> Float64[Tensor, "network pair head key"]:
    """What a head's last position gives to each key, scaled to sum to 1."""

    def scaled() -> Tensor:
        pattern = snapshots.activation("pattern").double()
        return pattern / pattern.sum(-1, keepdim=True)

    return snapshots.remembered("attention", scaled)

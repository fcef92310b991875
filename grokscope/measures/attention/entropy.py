"""How widely each head looks."""

import math

import torch
from numpy.typing import NDArray

from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Ghader & Monz 2017, arXiv:1710.03348, equation 8; divided by its largest value",
    needs=("pattern",),
    axis="head",
)
def entropy(snapshot: Snapshot) -> NDArray:
    """Mean entropy of a head's attention from the last position, divided by the log of the number of keys.

    H = -sum_j A_j log A_j,   result = mean H / log(number of keys),   0 one key, 1 uniform; the mean is over all inputs

    A is scaled to sum to 1. Only a network with an attention rate needs this.
    """
    pattern = snapshot.activations["pattern"].double()
    pattern = pattern / pattern.sum(-1, keepdim=True)
    nats = torch.special.entr(pattern).sum(-1).mean(0)
    return (nats / math.log(pattern.shape[-1])).numpy()

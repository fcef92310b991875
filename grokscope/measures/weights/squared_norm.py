"""The squared 2-norm of all weights."""

import torch

from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(unit="1", source="Nanda et al. 2023, arXiv:2301.05217, section 5.1 (sum of squared weights)", packed=True)
def squared_norm(snapshots: Snapshots) -> list[float]:
    """Sum of theta^2 over every parameter, biases, positions and the "=" row included."""
    return torch.stack(list(snapshots.squares.values())).sum(0).tolist()

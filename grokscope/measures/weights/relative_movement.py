"""How far the weights have moved from where they began."""

import torch

from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots, squared


@measure(unit="1", source="Kumar et al. 2024, arXiv:2310.06110, section 4 (laziness)", needs=("initial",), packed=True)
def relative_movement(snapshots: Snapshots) -> list[float]:
    """|theta - theta_0| / |theta_0| over all parameters, theta_0 the weights at step 0."""
    start = snapshots.initial
    assert start is not None  # declared in needs
    moved = [squared(tensor.double() - start.params[name].double()) for name, tensor in snapshots.params.items()]
    return (torch.stack(moved).sum(0) / torch.stack(list(start.squares.values())).sum(0)).sqrt().tolist()

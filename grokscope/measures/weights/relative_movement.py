"""How far the weights have moved from where they began."""

import math

from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Kumar et al. 2024, arXiv:2310.06110, section 4 (laziness)", needs=("initial",))
def relative_movement(snapshot: Snapshot) -> float:
    """|theta - theta_0| / |theta_0| over all parameters, theta_0 the weights at step 0."""
    start = snapshot.initial
    assert start is not None  # declared in needs
    moved = sum(
        float((tensor.double() - start.params[name].double()).square().sum())
        for name, tensor in snapshot.params.items()
    )
    size = sum(float(tensor.double().square().sum()) for tensor in start.params.values())
    return math.sqrt(moved / size)

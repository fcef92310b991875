"""The 2-norm of all weights."""

import math

from grokscope.measures.base import measure
from grokscope.measures.weights.squared_norm import squared_norm
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Liu et al. 2023, arXiv:2210.01117, section 2")
def norm(snapshot: Snapshot) -> float:
    """sqrt(sum of theta^2) over every parameter, biases, positions and the "=" row included."""
    return math.sqrt(squared_norm.function(snapshot))

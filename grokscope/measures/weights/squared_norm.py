"""The squared 2-norm of all weights."""

from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Nanda et al. 2023, arXiv:2301.05217, section 5.1 (sum of squared weights)")
def squared_norm(snapshot: Snapshot) -> float:
    """Sum of theta^2 over every parameter, biases, positions and the "=" row included."""
    return sum(float(tensor.double().square().sum()) for tensor in snapshot.params.values())

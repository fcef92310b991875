"""The largest weight."""

from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="an example")
def largest(snapshot: Snapshot) -> float:
    """max |theta| over every parameter."""
    return max(float(tensor.abs().max()) for tensor in snapshot.params.values())

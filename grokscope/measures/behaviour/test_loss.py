"""Mean loss over all inputs that were not trained on, as published."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="nats", source="Power et al. 2022, arXiv:2201.02177")
def test_loss(snapshot: Snapshot) -> float | Missing:
    """Mean loss over all inputs that were not trained on, as published."""
    return snapshot.mean(snapshot.sample_losses, "test")

"""Mean loss over test inputs whose mirror image, such as (b, a), was trained on."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="nats", source="Power et al. 2022, arXiv:2201.02177")
def twin_loss(snapshot: Snapshot) -> float | Missing:
    """Mean loss over test inputs whose mirror image, such as (b, a), was trained on."""
    return snapshot.mean(snapshot.sample_losses, "twin")

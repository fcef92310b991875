"""Mean loss over the training inputs."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="nats", source="Power et al. 2022, arXiv:2201.02177")
def train_loss(snapshot: Snapshot) -> float | Missing:
    """Mean loss over the training inputs."""
    return snapshot.mean(snapshot.sample_losses, "train")

"""Mean loss over test inputs whose mirror image, such as (b, a), was trained on."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(unit="nats", source="Power et al. 2022, arXiv:2201.02177", packed=True)
def twin_loss(snapshots: Snapshots) -> list[float | Missing]:
    """Mean loss over test inputs whose mirror image, such as (b, a), was trained on."""
    return snapshots.mean(snapshots.sample_losses, "twin")

"""How many samples teach their own class nothing any more."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(
    unit="1",
    source="Prieto et al. 2025, arXiv:2501.04697, released code (zero_terms)",
    needs=("classes",),
    packed=True,
)
def zero_loss_share(snapshots: Snapshots, split: str = "train") -> list[float | Missing]:
    """Share of inputs whose loss is exactly 0, in the dtype of the softmax that the network is trained with.

    Unlike `collapse_rate` it asks for the right label, and it is that of the trained loss, StableMax too; over the
    task's classes, as `behaviour.train_loss`, which is 0 where this is 1. The logits are those of the weights' dtype.
    """
    losses = snapshots.sample_losses
    broken, shares = losses.isnan().any(1).tolist(), snapshots.mean(losses == 0, split)
    return [
        Missing(f"losses at step {snapshots[i].step} are not numbers") if broken[i] else share
        for i, share in enumerate(shares)
    ]

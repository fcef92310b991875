"""The share of samples whose loss is exactly 0."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Prieto et al. 2025, arXiv:2501.04697, released code (zero_terms)",
    needs=("classes",),
)
def zero_loss_share(snapshot: Snapshot, split: str = "train") -> float | Missing:
    """Share of inputs whose loss is exactly 0, in the dtype of the softmax that the network is trained with.

    Unlike `collapse_rate` it depends on the label and on the loss trained with, which may be StableMax. The classes are
    those of the task, as in `behaviour.train_loss`, which is 0 where this is 1. The logits have the weights' dtype.
    """
    losses = snapshot.sample_losses
    if bool(losses.isnan().any()):
        return Missing(f"losses at step {snapshot.step} are not numbers")
    return snapshot.mean(losses == 0, split)

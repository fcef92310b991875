"""How far the correct logit leads."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="nats",
    source="Prieto et al. 2025, arXiv:2501.04697, appendix (logit margin)",
    needs=("classes",),
    variants=({"split": "train"}, {"split": "test"}),
)
def margin(snapshot: Snapshot, split: str = "train") -> float | Missing:
    """Mean over inputs of z_y - max_{c != y} z_c, over the task's classes; split: train, test, fresh, twin or all."""
    index = snapshot.labels.unsqueeze(1)
    logits = snapshot.logits.double()
    correct = logits.gather(1, index).squeeze(1)
    best_other = logits.scatter(1, index, float("-inf")).amax(1)
    return snapshot.mean(correct - best_other, split)

"""How far the correct logit leads."""

from jaxtyping import Float64
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(
    unit="nats",
    source="Prieto et al. 2025, arXiv:2501.04697, appendix (logit margin)",
    needs=("classes",),
    variants=({"split": "train"}, {"split": "test"}),
    packed=True,
)
def margin(snapshots: Snapshots, split: str = "train") -> list[float | Missing]:
    """Mean over inputs of z_y - max_{c != y} z_c, over the task's classes; split: train, test, fresh, twin or all."""
    return snapshots.mean(snapshots.remembered("margins", lambda: _margins(snapshots)), split)


def _margins(snapshots: Snapshots) -> Float64[Tensor, "network pair"]:
    index, logits = snapshots.labels.unsqueeze(-1), snapshots.precise_logits
    best_other = logits.scatter(-1, index, float("-inf")).amax(-1)
    return logits.gather(-1, index).squeeze(-1) - best_other

"""The loss with the key frequencies taken away."""

from collections.abc import Sequence

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.measures.circuits._cyclic import chosen, loss_of, projection
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="nats",
    source="Nanda et al. 2023, arXiv:2301.05217, section 5.1 and appendix C.2",
    cost="heavy",
    needs=("cyclic",),
)
def excluded_loss(
    snapshot: Snapshot, split: str = "train", frequencies: Sequence[int] | None = None
) -> float | Missing:
    """Cross-entropy over the training inputs of the logits without the key frequencies' two directions each.

        E = L - sum_{k in K} (C_k C_k^T + S_k S_k^T) L,   C_k, S_k ∝ cos, sin(2 pi k (a + b) / p)

    The constant is kept and nothing is added back. frequencies: K; by default those of the run's last checkpoint.
    """
    keys = chosen(snapshot, frequencies)
    if isinstance(keys, Missing):
        return keys
    return loss_of(snapshot, snapshot.logits.double() - projection(snapshot, keys), split)

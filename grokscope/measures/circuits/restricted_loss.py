"""The loss with only the key frequencies of the logits."""

from collections.abc import Sequence

from grokscope.errors import Missing
from grokscope.measures.analyses.cyclic import chosen, loss_of, projection
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="nats",
    source="Nanda et al. 2023, arXiv:2301.05217, section 5.1 and appendix C.2",
    cost="heavy",
    needs=("cyclic",),
    variants=({"split": "all"}, {"split": "train"}, {"split": "test"}),
)
def restricted_loss(
    snapshot: Snapshot, split: str = "all", frequencies: Sequence[int] | None = None
) -> float | Missing:
    """Cross-entropy of the logits L reduced to two directions of each key frequency, plus the mean of each class.

        R = sum_{k in K} (C_k C_k^T + S_k S_k^T) L + mean_inputs(L),   C_k, S_k ∝ cos, sin(2 pi k (a + b) / p)

    The released code calls this the trig loss. `excluded_loss` is the loss of the other directions.

    frequencies: K; for every step, by default the key frequencies of the run's last checkpoint. split: the inputs
    averaged over (not stated in the paper; its code shows all and train).
    """
    keys = chosen(snapshot, frequencies)
    if isinstance(keys, Missing):
        return keys
    return loss_of(snapshot, projection(snapshot, keys) + snapshot.logits.double().mean(0), split)

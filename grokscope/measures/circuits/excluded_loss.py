"""The loss without the key frequencies."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grokscope.errors import Missing
from grokscope.measures.analyses.cyclic import chosen, loss_of, projection
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="nats",
    source="Nanda et al. 2023, arXiv:2301.05217, section 5.1 and appendix C.2",
    cost="heavy",
    needs=("cyclic",),
    axis="frequency",
)
def excluded_loss(
    snapshot: Snapshot,
    split: str = "train",
    frequencies: Sequence[int] | None = None,
    kind: Literal["together", "each", "largest"] = "together",
) -> float | dict[str, float] | Missing:
    """Cross-entropy over the training inputs of the logits without the two directions of each key frequency.

        E = L - sum_{k in K} (C_k C_k^T + S_k S_k^T) L,   C_k, S_k ∝ cos, sin(2 pi k (a + b) / p)

    The constant stays, and nothing is added back. frequencies: K; by default those of the run's last checkpoint.

    kind: "together" removes all of K at once (figure 7 of the paper). "each" removes one k at a time and gives the loss
    by frequency (its figure 15). "largest" is the largest loss without a single k, over all k = 1..floor(p/2) unless
    frequencies are named: the paper's form that needs no key frequencies, and so no last checkpoint.
    """
    if kind == "largest" and frequencies is None:
        frequencies = range(1, snapshot.task.n_classes // 2 + 1)
    keys = chosen(snapshot, frequencies)
    if isinstance(keys, Missing):
        return keys
    logits = snapshot.logits.double()

    def without(keys: NDArray) -> float | Missing:
        return loss_of(snapshot, logits - projection(snapshot, keys), split)

    if kind == "together":
        return without(keys)
    losses: dict[str, float] = {}
    for k in keys:
        loss = without(np.array([k]))
        if isinstance(loss, Missing):
            return loss
        losses[str(int(k))] = loss
    return losses if kind == "each" else max(losses.values())

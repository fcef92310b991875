"""The frequencies the network computes with."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grokscope.errors import Missing
from grokscope.measures.analyses.layers import readout
from grokscope.measures.analyses.neurons import THRESHOLD, clusters
from grokscope.measures.analyses.tables import embedding_table
from grokscope.measures.base import NEEDS, measure
from grokscope.numerics import fourier
from grokscope.runs.snapshot import Snapshot

NEEDED = {"neuron_logit": "mlp", "embedding": "embedding"}
RULES = {"neuron_logit": 0.25, "embedding": 0.25, "neuron": THRESHOLD}


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, appendix C.2 (neuron_logit), section 4.1 (embedding) and "
    "released notebook (neuron)",
    cost="final",
    needs=("cyclic",),
    axis="index",
)
def key_frequencies(
    snapshot: Snapshot,
    rule: Literal["neuron_logit", "embedding", "neuron"] = "neuron_logit",
    threshold: float | None = None,
) -> NDArray[np.int64] | Missing:
    """The key frequencies among 1..floor(p/2), ascending; there may be none. The three published rules differ.

    - `neuron_logit`, the rule for restricted and excluded loss: W_L = W_out W_U (or W_out) transformed along the logits
      has a norm above `threshold` times the largest, 0.25 by default ("nontrivial" in the paper, without a number).
    - `embedding`: the same for W_E without "=".
    - `neuron`: the frequency explains most of the variance of some neuron, as in `neuron_explained`, and more than
      `threshold` of it, 0.85 by default. The released notebook takes every neuron, even if little of it is explained:
      threshold=0. Its older code never looks at k = (p - 1)/2; this does.
    """
    level = RULES[rule] if threshold is None else threshold
    if rule != "neuron":
        has, reason = NEEDS[NEEDED[rule]]
        if not has(snapshot):
            return Missing(reason)
        table = embedding_table(snapshot) if rule == "embedding" else readout(snapshot).T
        return fourier.key_frequencies(table, threshold=level)
    cluster_of = clusters(snapshot, level)
    return cluster_of if isinstance(cluster_of, Missing) else np.unique(cluster_of[cluster_of > 0].numpy())

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
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot

NEEDED = {"neuron_logit": "mlp", "embedding": "embedding"}
RULES = {"neuron_logit": 0.25, "embedding": 0.25, "neuron": THRESHOLD}


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, appendix C.2 (neuron_logit), section 4.1 (embedding) and "
    "released notebook (neuron)",
    cost="heavy",
    needs=("cyclic",),
    axis="index",
)
def key_frequencies(
    snapshot: Snapshot,
    rule: Literal["neuron_logit", "embedding", "neuron"] = "neuron_logit",
    threshold: float | None = None,
) -> NDArray[np.int64] | Missing:
    """Frequencies of 1..floor(p/2) that stand out, ascending; maybe none. Three rules are published, and they differ.

    - `neuron_logit`: W_L = W_out W_U (or W_out) transformed along the logits, the rule for restricted and excluded
      loss: norm above `threshold` times the largest, 0.25 unless given ("nontrivial" in the paper, without a number).
    - `embedding`: the same of W_E without "=".
    - `neuron`: the frequencies that explain most of the variance of some neuron, as in `neuron_explained`, and more
      than `threshold` of it, 0.85 unless given. The released notebook takes every neuron, however little of it is
      explained: threshold=0. Its older code never looks at k = (p - 1)/2; this does.
    """
    if rule not in RULES:
        raise ValueError(unknown("rule", rule, RULES))
    level = RULES[rule] if threshold is None else threshold
    if rule != "neuron":
        has, reason = NEEDS[NEEDED[rule]]
        if not has(snapshot):
            return Missing(reason)
        table = embedding_table(snapshot) if rule == "embedding" else readout(snapshot).T
        return fourier.key_frequencies(table, threshold=level)
    found = clusters(snapshot, level)
    return found if isinstance(found, Missing) else np.unique(found[found > 0].numpy())

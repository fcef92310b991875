"""The frequencies the network computes with."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grokscope.measures.base import measure
from grokscope.measures.circuits._tables import embedding_table, neuron_logit_table
from grokscope.numerics import fourier
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot

TABLES = {"neuron_logit": neuron_logit_table, "embedding": embedding_table}


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, appendix C.2 (neuron_logit) and section 4.1 (embedding)",
    cost="heavy",
    needs=("cyclic", "embedding", "mlp"),
    axis="index",
)
def key_frequencies(
    snapshot: Snapshot, rule: Literal["neuron_logit", "embedding"] = "neuron_logit", threshold: float = 0.25
) -> NDArray[np.int64]:
    """Frequencies whose norm in a table over the residues exceeds `threshold` times the largest, ascending; maybe none.

    rule: the table. `neuron_logit`: W_L = W_out W_U transformed along the logits, the published rule for restricted
    and excluded loss ("nontrivial" coefficients; the paper gives no number, a quarter of the largest is ours).
    `embedding`: W_E without "=".
    """
    if rule not in TABLES:
        raise ValueError(unknown("rule", rule, TABLES))
    return fourier.key_frequencies(TABLES[rule](snapshot), threshold=threshold)

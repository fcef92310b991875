"""How many circles the network computes on."""

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.base import evaluate, measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, appendix C.2, counted; p / 2 left out, as the project does",
    cost="asked",
    needs=("cyclic",),
)
def n_key_frequencies(snapshot: Snapshot) -> float | Missing:
    """The number of key frequencies (`circuits.key_frequencies`) that have a circle: p / 2 has a sign only."""
    keys = evaluate("circuits.key_frequencies", snapshot)
    if isinstance(keys, Missing):
        return keys
    return float(sum(2 * int(k) != snapshot.task.n_classes for k in np.asarray(keys)))

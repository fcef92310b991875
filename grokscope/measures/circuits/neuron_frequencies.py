"""How many neurons each frequency has."""

import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.neurons import THRESHOLD, clusters
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 4.3 and figure 5; counts: its released notebook",
    cost="final",
    needs=("cyclic",),
    axis="frequency",
)
def neuron_frequencies(snapshot: Snapshot, threshold: float = THRESHOLD) -> dict[str, float] | Missing:
    """How many neurons belong to each frequency k = 1..floor(p/2).

    A neuron belongs to the frequency that explains most of its variance, as in `neuron_explained`, if this share is
    above the threshold. The others, and dead neurons, belong to none: the counts add up to neuron_explained times the
    number of neurons. With threshold=0 every neuron that varies belongs to a frequency.
    """
    cluster_of = clusters(snapshot, threshold)
    if isinstance(cluster_of, Missing):
        return cluster_of
    counts = torch.bincount(cluster_of, minlength=snapshot.task.n_classes // 2 + 1)
    return {str(k): float(count) for k, count in enumerate(counts.tolist()) if k}

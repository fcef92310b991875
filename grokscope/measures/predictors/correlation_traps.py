"""Eigenvalues that each weight matrix keeps beyond the bulk when its entries are shuffled."""

from grokscope.errors import Missing
from grokscope.measures.analyses.matrices import matrices
from grokscope.measures.base import measure
from grokscope.numerics.power_law import beyond_the_bulk, shuffled
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Martin & Mahoney 2021, arXiv:1810.01075; released code WeightWatcher d6fd015 (rand_num_spikes)",
    cost="asked",
    axis="tensor",
)
def correlation_traps(snapshot: Snapshot, fewest: int = 10, seed: int = 0) -> dict[str, float] | Missing:
    """How many eigenvalues of a matrix with W's entries in another order lie beyond the bulk of Marchenko and Pastur.

    Shuffling leaves no structure but that of single large entries, so a trap is an entry that stands out. Edge and
    margin: `numerics.power_law.beyond_the_bulk`. A matrix with fewer than `fewest` eigenvalues is left out. seed: of
    the shuffle.
    """
    counts = {}
    for name, matrix in matrices(snapshot):
        if min(matrix.shape) >= fewest:
            count = beyond_the_bulk(shuffled(matrix, seed))
            if not isinstance(count, Missing):
                counts[name] = float(count)
    return counts or Missing(f"no weight matrix has {fewest} eigenvalues")

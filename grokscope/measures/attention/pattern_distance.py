"""How far apart the attention of two samples is."""

import numpy as np
from numpy.typing import NDArray

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="our own; total variation distance: Levin, Peres & Wilmer 2009, Markov Chains and Mixing Times, section 4.1",
    needs=("pattern",),
    axis="head",
)
def pattern_distance(snapshot: Snapshot, split: str = "all") -> NDArray | Missing:
    """Mean total variation distance between a head's attention on two samples: 0 where all are alike, at most 1.

        d = mean over i < i' of 1/2 sum_j |A_ij - A_i'j|,   A_ij: attention of sample i's last position to key j

    The mean is exact, over all pairs of samples. In the sorted values of one key, the gap after the k-th of n separates
    k (n - k) pairs, so sum_{i<i'} |A_i - A_i'| = sum_k k (n - k) (A_(k+1) - A_(k)).

    split: the samples compared, as in the losses (all, train, test, fresh, twin). A is scaled to sum to 1, as for
    entropy. (a, b) and its swap (b, a) are two samples: one pair of n - 1. Keys count by position. Where attention
    follows the operand and not the position, the two samples are as far apart as any.
    """
    rows = snapshot.rows(split)
    if isinstance(rows, Missing):
        return rows
    pattern = snapshot.activations["pattern"][rows].double()
    n = len(pattern)
    if n < 2:
        return Missing(f"the task has {n} {split} inputs here: two are needed")
    pattern = pattern / pattern.sum(-1, keepdim=True)
    # numpy's sort is many times faster than torch's. A BLAS product would wake its threads beside training.
    ordered = np.sort(np.ascontiguousarray(pattern.permute(1, 2, 0).numpy()))
    k = np.arange(1, n)
    return (np.diff(ordered) * (k * (n - k))).sum((1, 2)) / (n * (n - 1))

"""How far apart the attention of two samples is."""

import numpy as np
import torch
from numpy.typing import NDArray

from grokscope.errors import Missing
from grokscope.measures.attention.entropy import attention
from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(
    unit="1",
    source="our own; total variation distance: Levin, Peres & Wilmer 2009, Markov Chains and Mixing Times, section 4.1",
    needs=("pattern",),
    axis="head",
    packed=True,
)
def pattern_distance(snapshots: Snapshots, split: str = "all") -> list[NDArray | Missing]:
    """Mean total variation distance between a head's attention on two samples: 0 where all are alike, at most 1.

        d = mean over i < i' of 1/2 sum_j |A_ij - A_i'j|,   A_ij: attention of sample i's last position to key j

    The mean is exact, over all pairs of samples. In the sorted values of one key, the gap after the k-th of n separates
    k (n - k) pairs, so sum_{i<i'} |A_i - A_i'| = sum_k k (n - k) (A_(k+1) - A_(k)).

    split: the samples compared, as in the losses (all, train, test, fresh, twin). A is scaled to sum to 1, as for
    entropy. (a, b) and its swap (b, a) are two samples: one pair of n - 1. Keys count by position. Where attention
    follows the operand and not the position, the two samples are as far apart as any.
    """
    shares, rows, counts = attention(snapshots), snapshots.rows(split), snapshots.counts[split]
    found: dict[int, NDArray | Missing] = {}
    for n in dict.fromkeys(counts):  # networks with equally many samples are taken together
        alike = [i for i, count in enumerate(counts) if count == n]
        if n < 2:
            found |= dict.fromkeys(alike, Missing(f"the task has {n} {split} inputs here: two are needed"))
            continue
        chosen = shares[rows & torch.tensor([[count == n] for count in counts])].unflatten(0, (len(alike), n))
        # numpy's sort is many times faster than torch's. A BLAS product would wake its threads beside training.
        ordered = np.sort(np.ascontiguousarray(chosen.permute(0, 2, 3, 1).numpy()))
        k = np.arange(1, n)
        found |= zip(alike, (np.diff(ordered) * (k * (n - k))).sum((2, 3)) / (n * (n - 1)), strict=True)
    return [found[i] for i in range(len(snapshots))]

"""How much of the logits the published formula explains."""

from collections.abc import Sequence

import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.cyclic import chosen
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.harmonics import centred
from grokscope.measures.base import measure
from grokscope.numerics.fourier import sum_directions
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 4.2 and table 5",
    cost="final",
    needs=("cyclic",),
)
def logit_explained(snapshot: Snapshot, frequencies: Sequence[int] | None = None) -> float | Missing:
    """R^2 of the least-squares fit of the logits by one cosine of a + b - c for each key frequency.

        L(a, b, c) - mean_c L(a, b, .) ~ sum_{k in K} alpha_k cos(2 pi k (a + b - c) / p),   R^2 = 1 - SS_res / SS_tot

    over all p^2 inputs, trained or not, and all p classes. Convention: the logits are centred over the classes, and
    SS_tot is the sum of squares that remains. The paper does not state this; a softmax does not see it. The cosines are
    orthogonal and sum to 0 over the classes, so the fit needs no constant and alpha_k is a projection. The bias of a
    class counts as not explained. In subtraction a - b stands for a + b.

    frequencies: K; by default the key frequencies of the run's last checkpoint. The fit is given K and the right
    answers; random logits have R^2 = |K| / p^3.
    """
    keys, task = chosen(snapshot, frequencies), product(snapshot)
    if isinstance(task, Missing):
        return task
    if isinstance(keys, Missing):
        return keys
    p = task.of.order
    cosines = torch.from_numpy(sum_directions(range(p), p, keys))[:, ::2]  # each before its sine, which k = p/2 lacks
    logits = centred(snapshot.logits)
    total = float(logits.square().sum())
    if not total > 0:
        return Missing("all logits of an input are equal: there is no variance to explain")
    # The fit does not see how inputs of one answer y differ: their sum, and its diagonals c - y, are enough.
    y = torch.arange(p)
    by_difference = task.summed(logits).gather(1, (y[:, None] + y) % p).sum(0)
    return float((cosines.T @ by_difference).square().sum()) / (p * p * total)

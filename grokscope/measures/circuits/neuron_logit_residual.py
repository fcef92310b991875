"""The part of the neuron-logit map outside the key frequencies."""

from collections.abc import Sequence

import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.cyclic import chosen
from grokscope.measures.analyses.layers import readout
from grokscope.measures.base import measure
from grokscope.numerics.fourier import sum_directions
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 4.2",
    cost="final",
    needs=("cyclic", "mlp"),
)
def neuron_logit_residual(snapshot: Snapshot, frequencies: Sequence[int] | None = None) -> float | Missing:
    """Frobenius norm of the part of W_L = W_out W_U outside the key frequencies along the logits, over that of W_L.

        |W_L - sum_{k in K} (cos(2 pi k c / p) u_k^T + sin(2 pi k c / p) v_k^T)|_F / |W_L|_F

    A ratio of norms, as published (its square is the share of the energy). W_L is p x neurons, without "="; the
    projection has rank 2 |K|. The common part of all logits counts as residual, though a softmax does not see it.

    frequencies: K; by default the key frequencies of the run's last checkpoint.
    """
    keys = chosen(snapshot, frequencies)
    if isinstance(keys, Missing):
        return keys
    W_L = readout(snapshot).T
    directions = torch.from_numpy(sum_directions(range(len(W_L)), len(W_L), keys))
    size = float(W_L.norm())
    if not size > 0:
        return Missing("W_out W_U is 0")
    return float((W_L - directions @ (directions.T @ W_L)).norm()) / size

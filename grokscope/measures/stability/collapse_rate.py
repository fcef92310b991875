"""How many samples the softmax has collapsed on."""

import numpy as np
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.numerics import precision
from grokscope.runs.snapshots import Snapshots


@measure(
    unit="1",
    source="Prieto et al. 2025, arXiv:2501.04697, definition 3 and the logger of the released code",
    needs=("classes",),
    variants=tuple({"dtype": dtype} for dtype in precision.BITS),
    packed=True,
)
def collapse_rate(
    snapshots: Snapshots, dtype: str | None = None, order: precision.Order = "torch", split: str = "train"
) -> list[float | Missing]:
    """Share of inputs on which sum_c exp(z_c - max z) is 1 in a dtype, whatever their labels.

    z: the logits of the task's classes as trained, with output_scale and the temperature of the loss; the published
    logger omits alpha.
    dtype: float16, bfloat16, float32 or float64; by default that of the softmax in training, `Missing` for a loss
    without a softmax. order: of the addition: "torch" as published, "sequential" or "pairwise" (`numerics.precision`).
    For a network trained with StableMax this is the collapse that a softmax of its logits would have;
    `zero_loss_share` measures the loss itself.
    """
    snapshots.rows(split)  # refuses an unknown one
    options = snapshots.first.loss_options
    dtype = dtype or getattr(options, "softmax_dtype", None)
    if dtype is None:
        return [Missing("the loss trained on has no softmax: name a dtype")] * len(snapshots)
    network, logits, (lead, size), finite = snapshots.remembered(
        ("logits of", split), lambda: _logits(snapshots, split)
    )
    temperature = getattr(options, "temperature", 1.0)
    may = precision.may_collapse(lead / temperature, size / temperature, dtype)
    network, logits = network[may], logits[may]
    collapsed, largest = precision.collapsed(logits if temperature == 1 else logits / temperature, dtype, order)
    counts, infinite = _sums(network, collapsed, snapshots), _sums(network, ~largest.isfinite(), snapshots)

    def share(i: int) -> float | Missing:
        if not finite[i]:
            return Missing(f"logits at step {snapshots[i].step} are not finite")
        return precision.beyond(dtype) if infinite[i] else counts[i] / snapshots.counts[split][i]

    return snapshots.among(split, share)


def _logits(snapshots: Snapshots, split: str) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor], list[bool]]:
    """The network of each input of a split, its logits, the lead of the largest and the size of the largest absolute
    one, and whether all of a network's are finite."""
    network, pair = snapshots.places[split]
    logits = snapshots.logits[network, pair]
    least, most = logits.aminmax(dim=1)
    size = torch.maximum(-least, most)
    # numpy's partition is many times faster than torch's topk. A single class collapses.
    second = torch.from_numpy(np.partition(logits.numpy(), -2)[:, -2]) if logits.shape[1] > 1 else -torch.inf
    return network, logits, (most - second, size), [not n for n in _sums(network, ~size.isfinite(), snapshots)]


def _sums(network: Tensor, holds: Tensor, snapshots: Snapshots) -> list[float]:
    return torch.bincount(network, weights=holds.double(), minlength=len(snapshots)).tolist()

"""How far the gradients of single samples agree."""

from collections.abc import Iterator

import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.kernels import drawn
from grokscope.measures.base import measure
from grokscope.numerics.paths import signal_to_noise
from grokscope.runs.snapshot import Snapshot

TOGETHER = 16  # samples whose gradients are in memory at a time
N_SAMPLES = 256


@measure(
    unit="1",
    source="Liu et al. 2020, arXiv:2001.07384, definition 1; form of cockpit's released code",
    cost="asked",
    axis="form",
)
def gradient_signal_to_noise(
    snapshot: Snapshot, n_samples: int = N_SAMPLES, seed: int = 0
) -> dict[str, float] | Missing:
    """Of the gradients g of the training loss sample by sample, m and v their mean and variance over samples.

        published: mean over weights of m^2 / (v + 1e-5),   ratio: sum m^2 / sum v

    The published form depends on the scale of the gradients: where they are small, 1e-5 is all of the denominator. The
    ratio does not. n_samples: training inputs drawn with a seed.
    """
    rows = drawn(snapshot, "train", n_samples, seed)
    if isinstance(rows, Missing):
        return rows
    found = signal_to_noise(_gradients(snapshot, rows))
    return found if isinstance(found, Missing) else vars(found)


def _gradients(snapshot: Snapshot, rows: Tensor) -> Iterator[Tensor]:
    params = snapshot.precise.params
    for part in rows.split(TOGETHER):
        targets, function = snapshot.task.targets[part], snapshot.function(part)
        leaves = {name: tensor.detach().requires_grad_() for name, tensor in params.items()}
        losses = snapshot.loss(function(leaves), targets, reduction="none")
        each = [torch.autograd.grad(loss, list(leaves.values()), retain_graph=True) for loss in losses.unbind()]
        yield torch.stack([torch.cat([slope.flatten() for slope in slopes]) for slopes in each])

"""How the network does when some of its neurons are silent."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from grokscope.errors import Missing, of_all
from grokscope.measures.analyses.layers import readout
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot, right_answers

RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@measure(unit="1", source="arXiv:2507.11645", cost="asked", needs=("mlp", "classes"), axis="rate")
def dropout_curve(
    snapshot: Snapshot, rates: tuple[float, ...] = RATES, passes: int = 20, split: str = "test", seed: int = 0
) -> dict[str, float] | Missing:
    """Accuracy on a split by the share q of neurons of the last hidden layer that are silent, the mean over passes.

        logits = z + (m * h / (1 - q) - h) W,   m_i = 0 with probability q, else 1

    z: the logits, h: the neurons, W: their map to the logits. Every input draws its own neurons. The source does not
    say which layers drop. It needs the labels of the split: no alarm where these are hidden. `dropout_variance` has the
    spread.
    """

    def curve(*found: np.ndarray) -> dict[str, float]:
        return {f"{rate:g}": float(np.mean(one)) for rate, one in zip(rates, found, strict=True)}

    return of_all(curve, *(accuracies(snapshot, rate, passes, split, seed) for rate in rates))


def accuracies(
    snapshot: Snapshot, rate: float, passes: int, split: str, seed: int, *, shared: bool = False
) -> np.ndarray | Missing:
    """The accuracy of each pass. shared: all inputs of a pass have the same silent neurons."""
    if not 0 <= rate < 1 or passes < 1:
        raise ValueError(f"rate = {rate}, passes = {passes}: expected a share in [0, 1), and at least 1")
    rows = snapshot.rows(split)
    if isinstance(rows, Missing):
        return rows
    labels = snapshot.labels[rows]
    return np.array([_share(z, labels) for z in _passes(snapshot.precise, rows, rate, passes, seed, shared=shared)])


def _share(logits: Tensor, labels: Tensor) -> float:
    return right_answers(logits, labels).double().mean().item()


def _passes(snapshot: Snapshot, rows: Tensor, rate: float, passes: int, seed: int, *, shared: bool) -> Iterator[Tensor]:
    neurons, logits, W = snapshot.activations["mlp_post"][rows].double(), snapshot.logits[rows], readout(snapshot)
    generator = torch.Generator().manual_seed(seed)
    size = (1, neurons.shape[1]) if shared else tuple(neurons.shape)
    for _ in range(passes):
        kept = (torch.rand(size, generator=generator, dtype=torch.float64) >= rate).double()
        yield logits + (neurons * (kept / (1 - rate) - 1)) @ W

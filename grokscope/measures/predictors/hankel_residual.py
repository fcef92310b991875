"""Whether the answers of the last checkpoints go on as they went."""

import itertools

import numpy as np
import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.kernels import drawn
from grokscope.measures.base import measure
from grokscope.numerics import hankel
from grokscope.runs.snapshot import Snapshot

QUANTILES = np.arange(1, 20) / 20  # .05, .10, ..., .95
N_SAMPLES = 100


@measure(
    unit="1",
    source="arXiv:2605.08237, which does not say how many delays and directions",
    cost="asked",
    needs=("earlier", "classes"),
)
def hankel_residual(
    snapshot: Snapshot, window: int = 12, *, delays: int = 2, rank: int = 2, n_samples: int = N_SAMPLES, seed: int = 0
) -> float | Missing:
    """|X' - A X| / |X'| of Hankel dynamic mode decomposition (`numerics.hankel`) of 19 quantiles, .05 to .95, of ln p
    of the right class on some training inputs, over the last checkpoints up to this one. No held-out label is read.

    0: what comes follows from what was by one linear map of so many directions. Departures: the source reads the
    network every 2 steps in windows of 250; here a window is of checkpoints, which are not evenly far apart outside the
    transition, so that only runs with the same schedule compare. delays, rank: ours. n_samples: drawn with a seed.
    `Missing` before there are enough checkpoints.
    """
    assert snapshot.earlier is not None  # declared in needs
    every = list(itertools.chain(snapshot.earlier(), [snapshot]))[-window:]
    if len(every) < min(window, delays + 2):
        return Missing(f"{len(every)} checkpoints up to here; a window needs {delays + 2}")
    rows = drawn(snapshot, "train", n_samples, seed)
    if isinstance(rows, Missing):
        return rows
    labels = snapshot.task.labels[rows]
    series = []
    for one in every:
        with torch.no_grad():
            logs = one.precise.logits[rows].double().log_softmax(-1)
        series.append(np.quantile(logs[torch.arange(len(rows)), labels].numpy(), QUANTILES))
    return hankel.residual(np.array(series), delays=delays, rank=rank)

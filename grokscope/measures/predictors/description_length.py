"""How few bits hold weights that still do the task."""

from collections.abc import Mapping

import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.numerics import compression
from grokscope.runs.snapshot import Snapshot

SLACK = (4.0, 1.0, 0.25, 0.0625)


@measure(
    unit="bits",
    source="DeMoss et al. 2024, arXiv:2412.09810, released code 256d6b6",
    cost="asked",
    axis="slack",
)
def description_length(snapshot: Snapshot, slack: tuple[float, ...] = SLACK) -> dict[str, float] | Missing:
    """The fewest bits of weights whose mean training loss is at most that of the network plus a slack, by slack [the
    unit of the loss].

    Of each matrix the leading singular directions, of each number a multiple of a step, compressed by bz2; the least
    over a fixed grid (`numerics.compression`). Departures from the release: the step is relative to each tensor's root
    mean square, as a layer's scale may mean nothing; the grid is fixed, not searched; all training inputs count. A
    slack that no cell of the grid meets is left out. Order of neurons moves it by a few bits.
    """
    rows = snapshot.rows("train")
    if isinstance(rows, Missing):
        return rows
    function, targets = snapshot.precise.function(rows), snapshot.task.targets[rows]

    def loss(params: Mapping[str, Tensor]) -> float:
        with torch.no_grad():
            return float(snapshot.loss(function(params), targets))

    lengths = compression.description_length(snapshot.precise.params, loss, slack)
    found = {f"{extra:g}": float(size) for extra, size in lengths.items() if size is not None}
    return found or Missing("no coarser weights are as good")

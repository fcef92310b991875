"""The training data of a pack: inputs, targets and the weight of each sample.

Replicas may have training sets of different sizes; shorter ones are filled up with samples of weight 0. With a batch
size, every replica goes through its own set in a random order, then in another one. A batch is the next `batch_size`
samples; it may run over the end of an order, so that all batches have one size. The orders follow from the seed alone:
a resumed run gets the same batches.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.runs.config import RunConfig
from grokscope.tasks.base import Task


class Data:
    """inputs, targets, weights: (replica, sample, ...) of the present step; weights add up to 1. labels: the classes,
    where these are asked for; ValueError for a task that has none."""

    inputs: Tensor
    targets: Tensor
    weights: Float[Tensor, "replica sample"]
    labels: Int[Tensor, "replica sample"] | None = None

    def __init__(
        self,
        configs: Sequence[RunConfig],
        tasks: Sequence[Task],
        masks: Bool[Tensor, "replica pair"],
        *,
        device: torch.device,
        dtype: torch.dtype,
        with_labels: bool = False,
    ) -> None:
        if with_labels and not all(task.n_classes for task in tasks):
            raise ValueError("a transform reads the training accuracy, and the task has no classes to be right about")
        self._seeds = [config.seed for config in configs]
        self._device = device
        self._size = configs[0].batch_size
        self._sets = [mask.nonzero().flatten() for mask in masks]
        self._inputs = [_as_weights(task.inputs, dtype) for task in tasks]
        self._targets = [_as_weights(task.targets, dtype) for task in tasks]
        self._labels = [task.labels for task in tasks] if with_labels else None
        self._orders: dict[int, tuple[int, Tensor]] = {}
        self.draw(0)

    @property
    def batched(self) -> bool:
        """Whether each step has samples of its own."""
        return self._size is not None

    def draw(self, step: int) -> None:
        """Sets the samples of a step."""
        rows = self._sets if self._size is None else [self._batch(replica, step) for replica in range(len(self._sets))]
        longest = max(len(row) for row in rows)
        filled = [torch.cat([row, row[:1].expand(longest - len(row))]) for row in rows]
        self.inputs = _gathered(self._inputs, filled).to(self._device)
        self.targets = _gathered(self._targets, filled).to(self._device)
        if self._labels is not None:
            self.labels = _gathered(self._labels, filled).to(self._device)
        weights = torch.zeros(len(rows), longest, dtype=torch.float64)
        for replica, row in enumerate(rows):
            weights[replica, : len(row)] = 1 / len(row)
        self.weights = weights.to(self._device)

    def everything(self) -> Tensor:
        """All inputs of the task, for every replica."""
        shared = all(inputs is self._inputs[0] for inputs in self._inputs)
        stacked = self._inputs[0].expand(len(self._inputs), -1, -1) if shared else torch.stack(self._inputs)
        return stacked.to(self._device)

    def _batch(self, replica: int, step: int) -> Int[Tensor, " sample"]:
        trained, size = self._sets[replica], self._size or 0
        start, end = step * size, (step + 1) * size
        parts = []
        while start < end:
            number, place = divmod(start, len(trained))
            part = self._order(replica, number)[place : place + end - start]
            parts.append(trained[part])
            start += len(part)
        return torch.cat(parts)

    def _order(self, replica: int, number: int) -> Int[Tensor, " sample"]:
        """The replica's order of this number; the last order used is kept."""
        known = self._orders.get(replica)
        if known is None or known[0] != number:
            seed = (self._seeds[replica] * 1_000_003 + number) % 2**63
            order = torch.randperm(len(self._sets[replica]), generator=torch.Generator().manual_seed(seed))
            known = self._orders[replica] = (number, order)
        return known[1]


def _as_weights(values: Tensor, dtype: torch.dtype) -> Tensor:
    return values.to(dtype) if values.is_floating_point() else values


def _gathered(tables: Sequence[Tensor], rows: Sequence[Tensor]) -> Tensor:
    return torch.stack([table[row] for table, row in zip(tables, rows, strict=True)])

"""The tangent kernel of a snapshot's network, on samples drawn from a split."""

from collections.abc import Mapping

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics.kernels import ntk
from grokscope.runs.snapshot import Snapshot

N_SAMPLES = 512  # of a split: a kernel of the one-layer transformer at p = 59 takes seconds, and fits in a gibibyte
LABELS = "the targets of this split are all alike"

Samples = Int[Tensor, " sample"]


def drawn(snapshot: Snapshot, split: str, n_samples: int, seed: int) -> Samples | Missing:
    """Which inputs of a split a kernel is taken on: n_samples drawn with a seed, all where there are no more."""
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, got {n_samples}")
    rows = snapshot.rows(split)
    if isinstance(rows, Missing):
        return rows
    index = rows.nonzero().flatten()
    order = torch.randperm(len(index), generator=torch.Generator().manual_seed(seed))
    return index[order[:n_samples].sort().values]


def kernel(snapshot: Snapshot, one: Samples, other: Samples | None = None) -> Float64[Tensor, "one other"]:
    """The kernel of the outputs that answer the task, as scaled for training, summed over them, in float64.

    Subtracting the first outputs changes no gradient.
    """
    model, scale, n_outputs = snapshot.model, snapshot.output_scale, snapshot.task.n_outputs

    def function(params: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        packed = {name: tensor.unsqueeze(0) for name, tensor in params.items()}
        return scale * model.outputs(packed, inputs.unsqueeze(0))[0, :, :n_outputs]

    def answer() -> Tensor:
        weights = {name: tensor.double() for name, tensor in snapshot.params.items()}
        inputs = snapshot.task.inputs
        return ntk(function, weights, inputs[one], None if other is None else inputs[other])

    question = ("ntk", tuple(one.tolist()), None if other is None else tuple(other.tolist()))
    return snapshot.remembered(question, answer)


def targets(snapshot: Snapshot, index: Samples) -> Float64[Tensor, "sample output"]:
    """What the outputs are to be: one-hot classes, templates, or the targets of a regression."""
    found = snapshot.task.targets[index]
    if found.is_floating_point():
        return found.double()
    return torch.nn.functional.one_hot(found, snapshot.task.n_outputs).double()

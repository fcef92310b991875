"""The tangent kernel of a snapshot's network, on samples drawn from a split."""

from collections.abc import Mapping

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics.kernels import ntk
from grokscope.runs.snapshot import Snapshot

N_SAMPLES = 512  # of a split: a kernel of the one-layer transformer at p = 59 takes seconds and fits into a gibibyte

Samples = Int[Tensor, " sample"]


def drawn(snapshot: Snapshot, split: str, n_samples: int, seed: int) -> Samples | Missing:
    """Indices of n_samples inputs of a split, drawn with a seed, ascending; all inputs of a smaller split."""
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, got {n_samples}")
    rows = snapshot.rows(split)
    if isinstance(rows, Missing):
        return rows
    index = rows.nonzero().flatten()
    order = torch.randperm(len(index), generator=torch.Generator().manual_seed(seed))
    return index[order[:n_samples].sort().values]


def kernel(snapshot: Snapshot, one: Samples, other: Samples | None = None) -> Float64[Tensor, "one other"]:
    """The kernel of the task's outputs, scaled as for training, summed over the outputs, in float64.

    Subtracting the first outputs does not change the gradients.
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
    """The targets of the outputs: one-hot classes, templates, or the targets of a regression."""
    chosen = snapshot.task.targets[index]
    if not chosen.is_floating_point():
        chosen = torch.nn.functional.one_hot(chosen, snapshot.task.n_outputs)
    return chosen.double()

"""The curvature of a snapshot's training loss."""

import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics.curvature import Curvature
from grokscope.runs.snapshot import Snapshot


def curvature(snapshot: Snapshot, split: str = "train") -> Curvature | Missing:
    """The Hessian of the mean loss over a split's inputs as trained (with the output of "=", without weight decay)."""
    rows = snapshot.rows(split)
    if isinstance(rows, Missing):
        return rows
    targets = snapshot.task.targets[rows]

    def gradient(outputs: Tensor) -> Tensor:
        outputs = outputs.detach().requires_grad_()
        return torch.autograd.grad(snapshot.loss(outputs, targets), outputs)[0]

    params = {name: tensor.double() for name, tensor in snapshot.params.items()}
    return Curvature(function=snapshot.function(rows), gradient=gradient, params=params)

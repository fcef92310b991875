"""Gradients of a snapshot's training loss."""

from collections.abc import Callable, Iterator, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.matrices import BY_HEAD
from grokscope.models.parts.program import Loss, Program
from grokscope.runs.snapshot import Snapshot

# A tensor on which the loss does not depend, such as the bias of attention's keys, keeps by rounding about 1e-16 of the
# whole gradient.
NOTHING = 1e-13


def gradient(snapshot: Snapshot, dtype: torch.dtype | None = torch.float64) -> dict[str, Tensor] | Missing:
    """dL/dW of the mean training loss L (with the output of "=", without weight decay), by tensor.

    dtype: of weights, activations and gradient; None: the weights' own. The softmax has the dtype of training.
    """

    def answer() -> dict[str, Tensor] | Missing:
        mask = snapshot.rows("train")
        if isinstance(mask, Missing):
            return mask
        # The program of training takes a third of the time of `snapshot.function`, whose graph allows any derivative.
        program = snapshot.model.program(snapshot.task.inputs[mask].unsqueeze(0))
        _, slopes = program.gradients(_replica(snapshot, dtype), _loss(snapshot, mask, program, dtype))
        if not all(bool(tensor.isfinite().all()) for tensor in slopes.values()):
            return Missing(f"the gradient of the training loss at step {snapshot.step} is not finite")
        return {name: tensor[0] for name, tensor in slopes.items()}

    return snapshot.remembered(("gradient", dtype), answer)


def of_networks(
    snapshot: Snapshot, n: int
) -> Callable[[dict[str, Tensor]], tuple[Float[Tensor, " network"], dict[str, Tensor]]] | Missing:
    """The mean training loss of n networks with this snapshot's data, and its gradient, at their weights side by side,
    in float64."""
    mask = snapshot.rows("train")
    if isinstance(mask, Missing):
        return mask
    program = snapshot.model.program(snapshot.task.inputs[mask].expand(n, -1, -1))
    loss = _loss(snapshot, mask, program, torch.float64, n)

    def at(weights: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        losses, slopes = program.gradients(weights, loss)
        return losses.double().mean(1), dict(slopes)

    return at


def _replica(snapshot: Snapshot, dtype: torch.dtype | None) -> dict[str, Tensor]:
    return {name: tensor.to(dtype or tensor.dtype).unsqueeze(0) for name, tensor in snapshot.params.items()}


def _loss(snapshot: Snapshot, mask: Tensor, program: Program, dtype: torch.dtype | None, n: int = 1) -> Loss:
    """For `Program.gradients`: the samples' losses, and the gradient of their mean in the network's own outputs."""
    of_one = snapshot.task.targets[mask]
    targets = of_one.expand(n, *of_one.shape)
    first = None
    if snapshot.centred and snapshot.initial is not None:
        start = _replica(snapshot.initial, dtype)
        first = program.outputs({name: tensor.expand(n, *tensor.shape[1:]) for name, tensor in start.items()})

    def loss(outputs: Tensor, replicas: slice, rows: slice) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            z = outputs.detach().requires_grad_()
            trained = snapshot.output_scale * (z if first is None else z - first[replicas, rows])
            losses = snapshot.loss(trained, targets[replicas, rows], reduction="none")
            return losses.detach(), torch.autograd.grad(losses.sum() / targets.shape[1], z)[0]

    return loss


def by_layer(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Each tensor; a tensor with a leading axis of layers is split by layer: W_hidden.0, W_hidden.1, ..."""
    for name, tensor in tensors.items():
        own = (2 if name.startswith("W_") else 1) + (name in BY_HEAD or name in ("b_Q", "b_K", "b_V"))
        if tensor.ndim > own:
            yield from ((f"{name}.{layer}", part) for layer, part in enumerate(tensor))
        else:
            yield name, tensor


def flat(tensors: Mapping[str, Tensor]) -> Float[Tensor, " weight"]:
    """All tensors as one vector."""
    return torch.cat([tensor.flatten() for tensor in tensors.values()])


def vanishes(part: Tensor, whole: Mapping[str, Tensor]) -> bool:
    """Whether one tensor of a gradient is zero, up to the rounding of the whole."""
    return bool(part.norm() <= NOTHING * flat(whole).norm())

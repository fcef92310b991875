"""A network on fixed inputs: its outputs, and its losses with their gradients, computed in parts.

Parts follow from the sizes alone. They may be computed side by side; sums are added in a fixed order.
"""

from collections.abc import Mapping
from functools import partial
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.numerics.side_by_side import side_by_side

Params = Mapping[str, Tensor]
# Elements of the activations of replicas computed together: 16 MB in float32.
GROUP = 1 << 22
# Elements of the activations from which replicas, or the rows of one, are computed in two groups, for two threads.
WORTH_TWO = 1 << 20


class Loss(Protocol):
    """The loss of some of the samples and its gradient: outputs of replicas and rows -> losses, d loss / d outputs.

    The gradient may be wider than the outputs (float64 for float32); the caller rounds it once.
    """

    def __call__(
        self, outputs: Float[Tensor, "replica pair output"], replicas: slice, rows: slice
    ) -> tuple[Float[Tensor, "replica pair"], Float[Tensor, "replica pair output"]]: ...


class Network(Protocol):
    """What a program needs of a model."""

    @property
    def sample_size(self) -> int: ...

    def outputs(self, params: Params, inputs: Tensor) -> Float[Tensor, "replica pair output"]: ...

    def direct_program(self, inputs: Tensor) -> "Program": ...


def in_groups(model: Network, inputs: Tensor) -> "Program":
    """The model's program, for a few replicas at a time: their data stay in the cache, and memory does not grow with
    the pack."""
    n_replicas, n_pairs = inputs.shape[:2]
    size = n_pairs * model.sample_size
    n_together = max(1, GROUP // size)
    if n_replicas * size >= WORTH_TWO:
        n_together = min(n_together, -(-n_replicas // 2))
    if inputs.is_cuda or n_together >= n_replicas:
        return model.direct_program(inputs)
    groups = [slice(start, start + n_together) for start in range(0, n_replicas, n_together)]
    return Groups([(group, model.direct_program(inputs[group])) for group in groups])


class Program:
    """A network on fixed inputs. This one calls the model; a model may have a faster program of its own."""

    def __init__(self, model: Network, inputs: Tensor) -> None:
        self.model = model
        self.inputs = inputs

    def outputs(self, params: Params) -> Float[Tensor, "replica pair output"]:
        """Outputs on all inputs, without a graph."""
        with torch.no_grad():
            return torch.cat([self.some_outputs(params, rows) for rows in self._blocks()], dim=1)

    def some_outputs(self, params: Params, rows: slice) -> Float[Tensor, "replica pair output"]:
        """Outputs on some of the inputs; differentiable."""
        return self.model.outputs(params, self.inputs[:, rows])

    def gradients(
        self, params: Params, loss: Loss, into: Params | None = None
    ) -> tuple[Float[Tensor, "replica pair"], Params]:
        """The losses of all samples, and the gradients of all parameters, written into the tensors given, if any."""
        gradients = {name: torch.empty_like(tensor) for name, tensor in params.items()} if into is None else into
        blocks = self._blocks()
        middle = -(-len(blocks) // 2)
        halves = [half for half in (blocks[:middle], blocks[middle:]) if half]
        losses: dict[int, Tensor] = {}
        totals: list[list[Tensor]] = [[], []]

        def differentiate(half: int) -> None:
            for rows in halves[half]:
                losses[rows.start], some = self._differentiate(params, loss, rows)
                total = totals[half]
                totals[half] = [a + b for a, b in zip(total, some, strict=True)] if total else some

        side_by_side([partial(differentiate, half) for half in range(len(halves))])
        for gradient, first, *second in zip(gradients.values(), *filter(None, totals), strict=True):
            gradient.copy_(sum(second, first))
        return torch.cat([losses[rows.start] for rows in blocks], dim=1), gradients

    def _differentiate(self, params: Params, loss: Loss, rows: slice) -> tuple[Tensor, list[Tensor]]:
        leaves = [tensor.detach().requires_grad_() for tensor in params.values()]
        with torch.enable_grad():
            outputs = self.some_outputs(dict(zip(params, leaves, strict=True)), rows)
        losses, d_outputs = loss(outputs.detach(), slice(0, len(outputs)), rows)
        return losses, list(torch.autograd.grad(outputs, leaves, d_outputs.to(outputs.dtype)))

    def _blocks(self) -> list[slice]:
        """Rows computed together, so that memory does not grow with their number; two blocks where they are worth two
        threads; on a GPU all rows."""
        n_replicas, n_pairs = self.inputs.shape[:2]
        size = n_replicas * self.model.sample_size
        n_rows = n_pairs if self.inputs.is_cuda else max(1, GROUP // size)
        if not self.inputs.is_cuda and n_pairs * size >= WORTH_TWO:
            n_rows = min(n_rows, -(-n_pairs // 2))
        return [slice(start, min(start + n_rows, n_pairs)) for start in range(0, n_pairs, n_rows)]


class Groups(Program):
    """Programs of a few replicas each, side by side."""

    def __init__(self, programs: list[tuple[slice, Program]]) -> None:
        self.programs = programs

    def outputs(self, params: Params) -> Float[Tensor, "replica pair output"]:
        outputs: dict[int, Tensor] = {}

        def compute(group: slice, program: Program) -> None:
            outputs[group.start] = program.outputs(of_replicas(params, group))

        side_by_side([partial(compute, *each) for each in self.programs])
        return torch.cat([outputs[group.start] for group, _ in self.programs])

    def gradients(
        self, params: Params, loss: Loss, into: Params | None = None
    ) -> tuple[Float[Tensor, "replica pair"], Params]:
        gradients = {name: torch.empty_like(tensor) for name, tensor in params.items()} if into is None else into
        losses: dict[int, Tensor] = {}

        def differentiate(group: slice, program: Program) -> None:
            own, of_own = of_replicas(params, group), of_replicas(gradients, group)
            losses[group.start], _ = program.gradients(own, _shifted(loss, group.start), of_own)

        side_by_side([partial(differentiate, *each) for each in self.programs])
        return torch.cat([losses[group.start] for group, _ in self.programs]), gradients


def of_replicas(params: Params, chosen: int | slice | Tensor) -> dict[str, Tensor]:
    """The tensors of one replica, without the replica axis, or of some."""
    return {name: tensor[chosen] for name, tensor in params.items()}


def _shifted(loss: Loss, first: int) -> Loss:
    """The loss for a program whose replicas start at `first`."""

    def shifted(outputs: Tensor, replicas: slice, rows: slice) -> tuple[Tensor, Tensor]:
        start = replicas.start or 0
        return loss(outputs, slice(first + start, first + start + len(outputs)), rows)

    return shifted

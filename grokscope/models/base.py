"""A model: a pure function (parameters, inputs) -> outputs, and its inner activations by name.

Parameters are a dict from TransformerLens's names to tensors with a leading `replica` axis: N networks of the same
shapes are one stacked network, and a single network is a pack of one.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Generator, Tensor

from grokscope.numerics.side_by_side import side_by_side
from grokscope.registry import Options, per_replica, unknown

Params = Mapping[str, Tensor]
# Layers of a network: each is a turn of a Python loop with names of its own.
MOST_LAYERS = 1000
# The two factors of a bottleneck.
NECK = ("W_down", "W_up")
# Elements of the activations of replicas computed together: 16 MB in float32.
GROUP = 1 << 22
# Elements of the activations from which replicas are computed in two groups, for two threads.
WORTH_TWO = 1 << 20
Sites = Mapping[str, "Callable[[Activations], Tensor]"]


@dataclass(frozen=True, kw_only=True)
class Interface:
    """What a network must know of a task: the number of symbols (0: inputs are features), of operands or features of an
    input, and of outputs."""

    n_symbols: int
    n_operands: int
    n_outputs: int

    @property
    def n_features(self) -> int:
        """Length of an input as a vector: its features, or the concatenated one-hots of its operands."""
        return self.n_operands * (self.n_symbols or 1)

    def require_symbols(self, *, tied: bool) -> None:
        """ValueError for inputs that a network with tables of symbols cannot read; not tied: a table per operand."""
        if not self.n_symbols:
            raise ValueError(f"the network reads symbols, this task's inputs are {self.n_operands} features")
        if not tied and self.n_operands != 2:
            raise ValueError(
                f"a left and a right table are for pairs, this task's inputs have {self.n_operands} symbols; "
                f"tied=True takes any number"
            )


class Loss(Protocol):
    """The loss of some of the samples and its gradient: outputs of replicas and rows -> losses, d loss / d outputs.

    The gradient may be wider than the outputs (float64 for float32); the caller rounds it once.
    """

    def __call__(
        self, outputs: Float[Tensor, "replica pair output"], replicas: slice, rows: slice
    ) -> tuple[Float[Tensor, "replica pair"], Float[Tensor, "replica pair output"]]: ...


class ModelOptions(Options):
    """The options of every model."""

    bottleneck: str | None = Field(None, description="site whose activations pass a linear map of low rank; None: none")
    bottleneck_rank: int | None = per_replica(None, ge=1, description="rank of that map [1]; None: the site's width")


class Model(ABC):
    """A component: an architecture, with its options and the interface of its task.

    `outputs` defines the network; it is differentiable and free of side effects. A `program` may compute the same
    numbers in another way. Outputs beyond the task's (the "=" column) are kept, because they are trained.
    """

    options: ClassVar[type[ModelOptions]]

    def __init__(self, settings: Any, interface: Interface) -> None:
        self.settings = settings
        self.interface = interface
        self._check()

    @property
    @abstractmethod
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter of one replica, in a fixed order, without those of a bottleneck."""

    @abstractmethod
    def draw(self, generator: Generator) -> dict[str, Tensor]:
        """Initial values of these parameters, float32."""

    @abstractmethod
    def outputs(self, params: Params, inputs: Tensor) -> Float[Tensor, "replica pair output"]:
        """The network's outputs on (replica, pair, operand) symbols or (replica, pair, feature) features."""

    @property
    @abstractmethod
    def sites(self) -> Sites:
        """Name -> function from an `Activations` to the site's activation of one replica (no replica axis)."""

    def site(self, name: str, params: Params, inputs: Tensor) -> Tensor:
        """A site's activations of all replicas, (replica, ...)."""
        each = (Activations(self.sites, of_replicas(params, i), own) for i, own in enumerate(inputs))
        return torch.stack([activations[name] for activations in each])

    @property
    def bottleneck_widths(self) -> dict[str, int]:
        """Width of each site that can have a bottleneck."""
        return {}

    @staticmethod
    def infer(params: Params) -> dict[str, Any]:  # noqa: ARG004
        """The options that follow from the parameters of one replica (for foreign weights)."""
        return {}

    def program(self, inputs: Tensor) -> "Program":
        """The network prepared for many runs on the same (replica, pair, ...) inputs.

        A few replicas are computed at a time: their data stay in the cache, and memory does not grow with the pack.
        """
        n_replicas, n_pairs = inputs.shape[:2]
        n_together = max(1, GROUP // (n_pairs * self.sample_size))
        if n_replicas * n_pairs * self.sample_size >= WORTH_TWO:
            n_together = min(n_together, -(-n_replicas // 2))
        if inputs.is_cuda or n_together >= n_replicas:
            return self.direct_program(inputs)
        groups = [slice(start, start + n_together) for start in range(0, n_replicas, n_together)]
        return Groups([(group, self.direct_program(inputs[group])) for group in groups])

    def direct_program(self, inputs: Tensor) -> "Program":
        """The program that computes all replicas at once."""
        return Program(self, inputs)

    @property
    def sample_size(self) -> int:
        """About how many numbers the activations of a sample have."""
        return sum(shape[-1] for shape in self.weight_shapes.values())

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter of one replica, in a fixed order."""
        return self.weight_shapes | self._neck_shapes()

    def init(self, generator: Generator) -> dict[str, Tensor]:
        """Initial parameters of one replica, float32."""
        params = self.draw(generator)
        if self.settings.bottleneck:
            params |= self._draw_neck(generator)
        return params

    def squeeze(self, params: Params, site: str, x: Tensor) -> Tensor:
        """x W_down W_up where the site has the bottleneck, else x: activations, or a weight that writes them."""
        return x @ params["W_down"] @ params["W_up"] if self.settings.bottleneck == site else x

    def _neck_shapes(self) -> dict[str, tuple[int, ...]]:
        site = self.settings.bottleneck
        if not site:
            return {}
        width = self.bottleneck_widths[site]
        return dict.fromkeys(NECK, (width, width))

    def _draw_neck(self, generator: Generator) -> dict[str, Tensor]:
        """A random projector on r directions, times sqrt(width / r), as two trained factors.

        The mean squared length of a vector in a random direction does not change. Channels beyond r are zero in both
        factors, so no gradient reaches them: factors of all ranks have one shape and may train in one pack.
        """
        width = self.bottleneck_widths[self.settings.bottleneck]
        rank = self.settings.bottleneck_rank or width
        basis, _ = torch.linalg.qr(torch.randn(width, rank, generator=generator, dtype=torch.float64))
        down, up = torch.zeros(width, width), torch.zeros(width, width)
        down[:, :rank] = basis * (width / rank) ** 0.25
        up[:rank] = basis.T * (width / rank) ** 0.25
        return {"W_down": down, "W_up": up}

    def _check(self) -> None:
        site, rank = self.settings.bottleneck, self.settings.bottleneck_rank
        if site is None and rank is None:
            return
        widths = self.bottleneck_widths
        if site is None:
            raise ValueError(f"bottleneck_rank {rank} needs a bottleneck: one of {', '.join(widths) or 'none here'}")
        if site not in widths:
            raise ValueError(unknown("site of a bottleneck", site, widths))
        if rank is not None and rank > widths[site]:
            raise ValueError(f"bottleneck_rank must be at most the width of {site}, {widths[site]}; got {rank}")


class Program:
    """A network on fixed inputs. This one calls the model; a model may have a faster program of its own."""

    def __init__(self, model: Model, inputs: Tensor) -> None:
        self.model = model
        self.inputs = inputs

    def outputs(self, params: Params) -> Float[Tensor, "replica pair output"]:
        """Outputs on all inputs, without a graph."""
        with torch.no_grad():
            return torch.cat([self.model.outputs(params, self.inputs[:, rows]) for rows in self._blocks()], dim=1)

    def gradients(
        self, params: Params, loss: Loss, into: Params | None = None
    ) -> tuple[Float[Tensor, "replica pair"], Params]:
        """The losses of all samples, and the gradients of all parameters, written into the tensors given, if any."""
        leaves = {name: tensor.detach().requires_grad_() for name, tensor in params.items()}
        losses, total = [], dict[str, Tensor]()
        for rows in self._blocks():
            with torch.enable_grad():
                outputs = self.model.outputs(leaves, self.inputs[:, rows])
            some, d_outputs = loss(outputs.detach(), slice(0, len(outputs)), rows)
            gradients = torch.autograd.grad(outputs, list(leaves.values()), d_outputs.to(outputs.dtype))
            losses.append(some)
            for name, gradient in zip(leaves, gradients, strict=True):
                total[name] = total[name] + gradient if name in total else gradient
        for name, view in (into or {}).items():
            view.copy_(total[name])
        return torch.cat(losses, dim=1), into or total

    def _blocks(self) -> list[slice]:
        """Rows computed together, so that memory does not grow with their number; on a GPU all."""
        n_replicas, n_pairs = self.inputs.shape[:2]
        n_rows = n_pairs if self.inputs.is_cuda else max(1, GROUP // (n_replicas * self.model.sample_size))
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


class Activations(Mapping[str, Tensor]):
    """Activations of one replica by site name; each is computed at its first use and kept."""

    def __init__(self, sites: Sites, params: Params, inputs: Tensor) -> None:
        self.params = params
        self.inputs = inputs
        self._sites = sites
        self._known: dict[str, Tensor] = {}

    def __getitem__(self, site: str) -> Tensor:
        if site not in self._known:
            if site not in self._sites:
                raise ValueError(unknown("site", site, self._sites))
            self._known[site] = self._sites[site](self)
        return self._known[site]

    def __contains__(self, site: object) -> bool:
        return site in self._sites  # without computing it

    def __iter__(self) -> Iterator[str]:
        return iter(self._sites)

    def __len__(self) -> int:
        return len(self._sites)


def of_replicas(params: Params, chosen: int | slice | Tensor) -> dict[str, Tensor]:
    """The tensors of one replica, without the replica axis, or of some."""
    return {name: tensor[chosen] for name, tensor in params.items()}


def _shifted(loss: Loss, first: int) -> Loss:
    """The loss for a program whose replicas start at `first`."""

    def shifted(outputs: Tensor, replicas: slice, rows: slice) -> tuple[Tensor, Tensor]:
        start = replicas.start or 0
        return loss(outputs, slice(first + start, first + start + len(outputs)), rows)

    return shifted


def normal(shape: tuple[int, ...], scale: float, generator: Generator) -> Tensor:
    """Gaussian weights of a standard deviation."""
    return torch.randn(shape, generator=generator) * scale


def linear_default(shape: tuple[int, ...], fan_in: int, generator: Generator) -> Tensor:
    """torch.nn.Linear's default, uniform within 1 / sqrt(fan_in), for weights and biases."""
    return (torch.rand(shape, generator=generator) * 2 - 1) / math.sqrt(fan_in)

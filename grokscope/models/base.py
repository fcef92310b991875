"""A model: a pure function (parameters, inputs) -> outputs, and its inner activations by name.

Parameters are a dict from TransformerLens's names to tensors with a leading `replica` axis: N networks of the same
shapes are one stacked network, and a single network is a pack of one.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Generator, Tensor

from grokscope.models.parts.program import Params, Program, in_groups, of_replicas
from grokscope.registry import Options, per_replica, unknown

# Layers of a network: each is a turn of a Python loop with names of its own.
MOST_LAYERS = 1000
# The two factors of a bottleneck.
NECK = ("W_down", "W_up")
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


class ModelOptions(Options):
    """The options of every model."""

    bottleneck: str | None = Field(None, description="site whose activations pass a linear map of low rank; null: none")
    bottleneck_rank: int | None = per_replica(None, ge=1, description="rank of that map [1]; null: the site's width")


class Model(ABC):
    """A component: an architecture, with its options and the interface of its task.

    `outputs` defines the network; it is differentiable and free of side effects. A `program` may compute the same
    numbers in another way. Outputs beyond the task's (the "=" column) are kept, because they are trained. also_called:
    as of a `TaskFamily`.
    """

    options: ClassVar[type[ModelOptions]]
    trains: ClassVar[bool] = True  # whether it can be trained here
    also_called: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init__(self, settings: Any, interface: Interface) -> None:
        self.settings = settings
        self.interface = interface
        self._check()

    @property
    def sees_order(self) -> bool:
        """Whether it can answer an input otherwise than the same symbols in another order."""
        return True

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

    def of_checkpoint(self, tensors: Mapping[str, Tensor]) -> "tuple[Model, dict[str, Tensor], Tensor | None]":
        """The network that a checkpoint holds, its weights, and its outputs on all inputs if they were kept."""
        return self, dict(tensors), None

    def program(self, inputs: Tensor) -> Program:
        """The network prepared for many runs on the same (replica, pair, ...) inputs."""
        return in_groups(self, inputs)

    def direct_program(self, inputs: Tensor) -> Program:
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


def normal(shape: tuple[int, ...], scale: float, generator: Generator) -> Tensor:
    """Gaussian weights of a standard deviation."""
    return torch.randn(shape, generator=generator) * scale


def linear_default(shape: tuple[int, ...], fan_in: int, generator: Generator) -> Tensor:
    """torch.nn.Linear's default, uniform within 1 / sqrt(fan_in), for weights and biases."""
    return (torch.rand(shape, generator=generator) * 2 - 1) / math.sqrt(fan_in)

"""A model: a pure function (parameters, inputs) -> outputs, and its inner activations by name.

Parameters are a dict from TransformerLens's names to tensors with a leading `replica` axis: N networks of the same
shapes are one stacked network, and a single network is a pack of one.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Generator, Tensor

from grokscope.registry import Options, per_replica, unknown

Params = Mapping[str, Tensor]
# Of a network: each layer is a turn of a loop, and has names of its own.
MOST_LAYERS = 1000
# The two factors of a bottleneck.
NECK = ("W_down", "W_up")
# Elements of the activations of the replicas that are in work together: 16 MB in float32.
GROUP = 1 << 22
Sites = Mapping[str, "Callable[[Activations], Tensor]"]


@dataclass(frozen=True, kw_only=True)
class Interface:
    """What a network must know of a task: how many symbols there are (0: inputs are features), how many operands or
    features an input has, how many outputs are asked for."""

    n_symbols: int
    n_operands: int
    n_outputs: int

    @property
    def n_features(self) -> int:
        """Length of an input as a vector: its features, or the one-hots of its operands one after another."""
        return self.n_operands * (self.n_symbols or 1)


class Loss(Protocol):
    """The loss of some of the samples and its gradient: outputs of replicas and rows -> losses, d loss / d outputs.

    The gradient may be wider than the outputs (float64 for float32); who takes it rounds it, once.
    """

    def __call__(
        self, outputs: Float[Tensor, "replica pair output"], replicas: slice, rows: slice
    ) -> tuple[Float[Tensor, "replica pair"], Float[Tensor, "replica pair output"]]: ...


class ModelOptions(Options):
    """What can be set of every model."""

    bottleneck: str | None = Field(None, description="site whose activations pass a linear map of low rank; None: none")
    bottleneck_rank: int | None = per_replica(None, ge=1, description="rank of that map [1]; None: the site's width")


class AttentionOptions(ModelOptions):
    """What can be set of every transformer.

    Not tied: the second operand reads W_E_right, and W_E holds the first operand's symbols and "=" (`diff_vocab` in the
    released code of Zhong et al. 2023, arXiv:2306.17844, which also gives all these symbols outputs: extra_outputs=p).
    """

    d_model: int = Field(128, ge=1, description="width of the residual stream [1]")
    n_heads: int = Field(4, ge=1, description="attention heads [1]")
    d_head: int | None = Field(None, ge=1, description="width of a head [1]; None: d_model / n_heads")
    tied: bool = Field(True, description="one table for both operands; else the second has symbols of its own")
    extra_outputs: int = Field(
        0, ge=0, description='outputs that are no class nor "=", as of the second\'s symbols [1]'
    )
    unembed_bias: bool = Field(False, description="train b_U, a bias of the outputs (starts at 0)")
    attention_rate: float = Field(1.0, ge=0, le=1, description="share of softmax attention; the rest weighs keys 1 [1]")

    @model_validator(mode="after")
    def _heads_divide(self) -> "AttentionOptions":
        if self.d_head is None and self.d_model % self.n_heads:
            raise ValueError(f"n_heads must divide d_model, got {self.n_heads} and {self.d_model}; or give d_head")
        return self

    @property
    def head_width(self) -> int:
        """Channels of a head."""
        return self.d_head or self.d_model // self.n_heads


class Model(ABC):
    """A component: an architecture, with its options and the interface of its task.

    outputs is the definition of the network, differentiable and free of side effects; a `program` may compute the same
    numbers by other means. Outputs beyond the task's (the "=" column) are kept, because they are trained.
    """

    options: ClassVar[type[ModelOptions]]

    def __init__(self, settings: Any, interface: Interface) -> None:
        self.settings = settings
        self.interface = interface
        self._check()

    @property
    @abstractmethod
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter of one replica, in a fixed order, but for a bottleneck's."""

    @abstractmethod
    def draw(self, generator: Generator) -> dict[str, Tensor]:
        """Initial values of these parameters, float32."""

    @abstractmethod
    def outputs(self, params: Params, inputs: Tensor) -> Float[Tensor, "replica pair output"]:
        """The network's outputs on (replica, pair, operand) symbols or (replica, pair, feature) features."""

    @property
    @abstractmethod
    def sites(self) -> Sites:
        """Name -> function of an `Activations` that gives that site's activation of one replica (no replica axis)."""

    def site(self, name: str, params: Params, inputs: Tensor) -> Tensor:
        """A site's activations of all replicas, (replica, ...)."""
        replicas = (
            Activations(self.sites, {key: t[i] for key, t in params.items()}, of) for i, of in enumerate(inputs)
        )
        return torch.stack([replica[name] for replica in replicas])

    @property
    def bottleneck_widths(self) -> dict[str, int]:
        """Width of each site that can have a bottleneck."""
        return {}

    @staticmethod
    def infer(params: Params) -> dict[str, Any]:  # noqa: ARG004
        """The options that can be read off the parameters of one replica (for weights from elsewhere)."""
        return {}

    def program(self, inputs: Tensor) -> "Program":
        """The network prepared to run again and again on the same (replica, pair, ...) inputs.

        Few replicas at a time are in work: what they need stays in the cache, and memory does not grow with the pack.
        """
        n_replicas, n_pairs = inputs.shape[:2]
        n_together = max(1, GROUP // (n_pairs * self.sample_size))
        if inputs.is_cuda or n_together >= n_replicas:
            return self.direct_program(inputs)
        groups = [slice(start, start + n_together) for start in range(0, n_replicas, n_together)]
        return Groups([(group, self.direct_program(inputs[group])) for group in groups])

    def direct_program(self, inputs: Tensor) -> "Program":
        """The same, for all replicas at once."""
        return Program(self, inputs)

    @property
    def sample_size(self) -> int:
        """About how many numbers a sample's activations are."""
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
        """x, or x W_down W_up where the site has the bottleneck; x may be activations or a weight that writes them."""
        return x @ params["W_down"] @ params["W_up"] if self.settings.bottleneck == site else x

    def _neck_shapes(self) -> dict[str, tuple[int, ...]]:
        site = self.settings.bottleneck
        if not site:
            return {}
        width = self.bottleneck_widths[site]
        return dict.fromkeys(NECK, (width, width))

    def _draw_neck(self, generator: Generator) -> dict[str, Tensor]:
        """A random projector on r directions, times sqrt(width / r), as two trained factors.

        A vector of no preferred direction keeps its mean squared length. Channels beyond r are zero in both factors,
        so no gradient reaches them: factors of every rank have one shape and may train in one pack.
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
    """A network on fixed inputs. This one asks the model; a model may bring a faster one of its own."""

    def __init__(self, model: Model, inputs: Tensor) -> None:
        self.model = model
        self.inputs = inputs

    def outputs(self, params: Params) -> Float[Tensor, "replica pair output"]:
        """Outputs on all inputs, without a graph."""
        with torch.no_grad():
            return torch.cat([self.model.outputs(params, self.inputs[:, rows]) for rows in self._blocks()], dim=1)

    def gradients(self, params: Params, loss: Loss) -> tuple[Float[Tensor, "replica pair"], dict[str, Tensor]]:
        """The losses of all samples and the gradients of all parameters."""
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
        return torch.cat(losses, dim=1), total

    def _blocks(self) -> list[slice]:
        """Rows in work together, so that memory does not grow with their number; on a GPU all."""
        n_replicas, n_pairs = self.inputs.shape[:2]
        n_rows = n_pairs if self.inputs.is_cuda else max(1, GROUP // (n_replicas * self.model.sample_size))
        return [slice(start, min(start + n_rows, n_pairs)) for start in range(0, n_pairs, n_rows)]


class Groups(Program):
    """Programs of a few replicas each, one after another."""

    def __init__(self, programs: list[tuple[slice, Program]]) -> None:
        self.programs = programs

    def outputs(self, params: Params) -> Float[Tensor, "replica pair output"]:
        return torch.cat([program.outputs(_of(params, group)) for group, program in self.programs])

    def gradients(self, params: Params, loss: Loss) -> tuple[Float[Tensor, "replica pair"], dict[str, Tensor]]:
        losses, gradients = [], []
        for group, program in self.programs:
            some, of_some = program.gradients(_of(params, group), _shifted(loss, group.start))
            losses.append(some)
            gradients.append(of_some)
        return torch.cat(losses), {name: torch.cat([part[name] for part in gradients]) for name in params}


class Activations(Mapping[str, Tensor]):
    """Activations of one replica by site name; each is computed when first asked for, then kept."""

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


def _of(params: Params, group: slice) -> dict[str, Tensor]:
    return {name: tensor[group] for name, tensor in params.items()}


def _shifted(loss: Loss, first: int) -> Loss:
    """The loss as seen from a program whose replicas start at `first`."""

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

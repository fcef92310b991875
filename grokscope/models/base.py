"""A model: a pure function (parameters, operands) -> outputs, and its inner activations by name.

Parameters are a dict from TransformerLens's names to tensors with a leading `replica` axis: N networks of the same
shapes are one stacked network, and a single network is a pack of one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from grokscope.registry import Options, unknown

Params = Mapping[str, Tensor]


class Workspace:
    """Large arrays that a training loop reuses from step to step instead of asking the system for fresh pages.

    It serves one forward and its backward at a time. Without one, each call makes its own.
    """

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}

    def empty(self, name: str, shape: Sequence[int], like: Tensor) -> Tensor:
        """An array of this name, with whatever is in it."""
        buffer = self._buffers.get(name)
        if buffer is None or buffer.shape != torch.Size(shape) or buffer.dtype != like.dtype:
            buffer = self._buffers[name] = like.new_empty(shape)
        return buffer


@dataclass(frozen=True, kw_only=True)
class Interface:
    """What a network must know of a task: how many symbols go in, how many at once, how many classes come out."""

    n_symbols: int
    n_operands: int
    n_classes: int


class Outputs(Protocol):
    """The function of a model that is trained."""

    def __call__(
        self, params: Params, operands: Int[Tensor, "replica pair operand"], workspace: Workspace | None = None
    ) -> Float[Tensor, "replica pair output"]: ...


@dataclass(frozen=True, kw_only=True)
class Model:
    """A component: an architecture.

    options: what can be set.
    shapes: (options, interface) -> the shape of each parameter of one replica, in a fixed order.
    init: (options, interface, generator) -> parameters of one replica, float32.
    outputs: (parameters, operands, workspace) -> the network's outputs; the cheapest form, used in training. Outputs
        beyond the task's classes (the "=" column) are kept, because they are trained.
    sites: name -> function of an `Activations` that gives that site's activation of one replica (no replica axis).
    infer: parameters of one replica -> the options they were made with (for weights from elsewhere).
    """

    options: type[Options]
    shapes: Callable[[Any, Interface], dict[str, tuple[int, ...]]]
    init: Callable[[Any, Interface, Generator], dict[str, Tensor]]
    outputs: "Outputs"
    sites: Mapping[str, "Callable[[Activations], Tensor]"]
    infer: Callable[[Params], dict[str, Any]]


class Activations(Mapping[str, Tensor]):
    """Activations of one replica by site name; each is computed when first asked for, then kept."""

    def __init__(
        self,
        sites: "Mapping[str, Callable[[Activations], Tensor]]",
        params: Params,
        operands: Int[Tensor, "pair operand"],
    ) -> None:
        self.params = params
        self.operands = operands
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

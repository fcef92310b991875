"""A network's first-order expansion around its initial weights, as a network.

    f(theta) = f(theta_0) + (d f / d theta)(theta_0) (theta - theta_0)

Its tangent kernel never changes: under the same optimizer it becomes what a lazy network would become (Chizat, Oyallon
& Bach 2019, arXiv:1812.07956; Kumar et al. 2024, arXiv:2310.06110, figure 1).
"""

import functools
import warnings
from collections.abc import Mapping
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.func import jvp

from grokscope.models.base import Model, ModelOptions, Params, Program, Sites


@final
class Linearised(Model):
    """inner: the network. first: its initial parameters, with the same leading replica axis as the later ones.

    Outputs are linear in the weights; the activations inside are those of the network itself at these weights.
    """

    options = ModelOptions

    def __init__(self, inner: Model, first: Mapping[str, Tensor]) -> None:
        _load_forward_mode()
        self._inner = inner
        super().__init__(inner.settings, inner.interface)
        self._first = {name: tensor.detach() for name, tensor in first.items()}

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        return self._inner.weight_shapes

    def draw(self, generator: Generator) -> dict[str, Tensor]:
        return self._inner.draw(generator)

    @property
    def sites(self) -> Sites:
        return self._inner.sites

    @property
    def bottleneck_widths(self) -> dict[str, int]:
        return self._inner.bottleneck_widths

    def program(self, inputs: Tensor) -> Program:
        return Program(self, inputs)  # all replicas at once: `first` is theirs

    def outputs(self, params: Params, inputs: Tensor) -> Float[Tensor, "replica pair output"]:
        first = {name: self._first[name].to(tensor) for name, tensor in params.items()}
        moved = {name: tensor - first[name] for name, tensor in params.items()}

        def network(weights: dict[str, Tensor]) -> Any:
            return self._inner.outputs(weights, inputs)

        at_first, change, *_ = jvp(network, (first,), (moved,))
        return at_first + change


@functools.cache
def _load_forward_mode() -> None:
    """Loads forward differentiation: torch then warns of its own use of torch.jit, which is hidden here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        jvp(torch.sin, (torch.zeros(1),), (torch.ones(1),))

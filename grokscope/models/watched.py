"""A network of somebody's own, as `gs.watch` saw it: the activations that were recorded stand for it.

A checkpoint holds its weights, if they are small, and under `activation/SITE` the activations of each site on all
inputs (`activation/outputs`: its outputs, where they are no vocabulary's). It cannot be trained here, and what needs
the network itself (gradients, kernels, other weights) has an answer only while it is watched.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import Field
from torch import Generator, Tensor

from grokscope.errors import MissingPlugin
from grokscope.models.base import Model, ModelOptions, Params, Sites

RECORDED = "activation/"
OUTPUTS = f"{RECORDED}outputs"


class WatchedOptions(ModelOptions):
    network: str = Field("Module", description="class of the network that was watched")


class Watched(Model):
    """Sites: those that were recorded."""

    options = WatchedOptions
    trains = False

    def __init__(self, settings: Any, interface: Any, recorded: Mapping[str, Tensor] | None = None) -> None:
        super().__init__(settings, interface)
        self.recorded = recorded or {}

    def of_checkpoint(self, tensors: Mapping[str, Tensor]) -> "tuple[Model, dict[str, Tensor], Tensor | None]":
        sites = {name.removeprefix(RECORDED): t for name, t in tensors.items() if name.startswith(RECORDED)}
        outputs = sites.pop(OUTPUTS.removeprefix(RECORDED), None)
        weights = {name: tensor for name, tensor in tensors.items() if not name.startswith(RECORDED)}
        return type(self)(self.settings, self.interface, sites), weights, outputs

    @property
    def sites(self) -> Sites:
        return {name: lambda _, tensor=tensor: tensor for name, tensor in self.recorded.items()}

    def outputs(self, params: Params, inputs: Tensor) -> Tensor:  # noqa: ARG002
        raise MissingPlugin(
            f"the network {self.settings.network} was watched and is not here: only its recorded activations are"
        )

    @property
    def sample_size(self) -> int:
        return max(1, sum(tensor[0].numel() for tensor in self.recorded.values()))

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    def draw(self, generator: Generator) -> NoReturn:  # noqa: ARG002
        raise ValueError("model = watched is a network that gs.watch saw elsewhere: it cannot be trained here")


watched = Watched

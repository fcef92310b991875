"""The snapshot of a network that is watched: the same class that grokscope's own networks have."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from grokscope.errors import MissingPlugin
from grokscope.models.base import Interface, Params
from grokscope.models.parts.program import of_replicas
from grokscope.models.watched import Watched, WatchedOptions
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.base import Task
from grokscope.watch.network import Network
from grokscope.watch.points import at

TURNED = ".T"  # the end of a name in `rename` that means the transpose
# Our name of a weight -> the network's, and whether ours is its transpose.
Names = Mapping[str, tuple[str, bool]]


class Live(Watched):
    """The network itself stands behind the recorded activations: kernels, gradients and other weights work too. With
    another number of symbols it cannot be built."""

    _network: Network | None = None
    _inputs: Any  # of all points
    _names: Names

    @classmethod
    def of(
        cls, network: Network, interface: Interface, inputs: Any, names: Names, recorded: dict[str, Tensor]
    ) -> "Live":
        live = cls(WatchedOptions.model_validate({"network": network.name}), interface, recorded)
        live._network, live._inputs, live._names = network, inputs, names
        return live

    def outputs(self, params: Params, inputs: Tensor) -> Tensor:
        if (network := self._network) is None:
            raise MissingPlugin(f"the network {self.settings.network} cannot be built with another number of symbols")
        return torch.stack([self._of_one(network, of_replicas(params, i), rows) for i, rows in enumerate(inputs)])

    def _of_one(self, network: Network, params: Params, rows: Tensor) -> Tensor:
        """rows: symbols, or the index of each point."""
        of_points = rows.to(self._inputs.dtype) if self.interface.n_symbols else at(self._inputs, rows[:, 0].long())
        named: dict[str, Tensor] = {}
        for name, tensor in params.items():
            theirs, turned = self._names.get(name, (name, False))
            named[theirs] = (tensor.mT if turned else tensor).to(network.device)
        return network.outputs(of_points, named).cpu()


def snapshot_of(
    network: Network,
    task: Task,
    inputs: Any,
    *,
    step: int,
    train_mask: Tensor,
    names: Names,
    seen: tuple[dict[str, Tensor], Tensor],
    loss: str,
    initial: Callable[[], Snapshot] | None,
) -> Snapshot:
    """The network as it stands. seen: its sites and outputs, as `Network.look` gave them. Its weights are the tensors
    of the network themselves, so it holds until the next step of the training alone."""
    sites, outputs = seen
    ours = {theirs: (name, turned) for name, (theirs, turned) in names.items()}
    params: dict[str, Tensor] = {}
    for theirs, tensor in network.params.items():
        name, turned = ours.get(theirs, (theirs, False))
        params[name] = (tensor.mT if turned else tensor).cpu()
    interface = Interface(n_symbols=task.n_symbols, n_operands=task.inputs.shape[1], n_outputs=outputs.shape[1])
    if task.n_symbols:
        sites = {name: t[: task.n_symbols] if name in network.tables else t for name, t in sites.items()}
    return Snapshot(
        task=task,
        model=Live.of(network, interface, inputs, names, sites),
        params=params,
        train_mask=train_mask,
        step=step,
        loss=loss,
        outputs=outputs,
        initial=initial,
    )


def names_of(network: Network, rename: Mapping[str, str]) -> Names:
    """Our name -> theirs, and whether it is turned: "net.2.weight.T" is the transpose of "net.2.weight"."""
    places = {ours: (theirs.removesuffix(TURNED), theirs.endswith(TURNED)) for ours, theirs in rename.items()}
    weights = network.params
    for ours, (theirs, turned) in places.items():
        if theirs not in weights:
            raise ValueError(f"rename {ours!r}: {unknown('weight', theirs, weights)}")
        if turned and weights[theirs].ndim != 2:
            raise ValueError(f"rename {ours!r}: {theirs} has {weights[theirs].ndim} axes; only a matrix is turned")
    if len({theirs for theirs, _ in places.values()}) < len(rename):
        raise ValueError(f"rename gives one weight two names: {dict(rename)}")
    return places

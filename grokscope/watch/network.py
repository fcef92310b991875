"""Somebody's network: its outputs and activations on points, without a trace in it."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from grokscope.watch.guard import buffers, untouched
from grokscope.watch.points import at, of_each
from grokscope.watch.sites import OUT, Heard, first_tensor, resolved

AT_ONCE = 1 << 24  # bytes of the largest activation of a forward pass
MOST_AT_ONCE = 4096  # points of one
SPREAD = ("DTensor", "FlatParameter")  # classes of weights of which a process has a part
LARGEST = 1e-6  # of the largest output: what a capture may change by rounding


class Network:
    """A network that is watched. forward(module, inputs) -> outputs is how it is called; None: module(inputs), or with
    the inputs as keywords where they have names.

    ValueError for a network that has no weights yet, and for sites that it does not have.
    """

    def __init__(self, module: nn.Module, sites: Any, forward: Callable[[nn.Module, Any], Any] | None = None) -> None:
        self.module = unwrapped(module)
        if any(isinstance(p, nn.UninitializedParameter) for p in self.module.parameters()):
            raise ValueError("the network has weights without a shape yet (a lazy module): call it once first")
        if any(type(p).__name__ in SPREAD for p in self.module.parameters()):
            raise ValueError("its weights are spread over processes (FSDP): a watch needs them whole in one process")
        self._forward = forward
        self.against_zero = False  # one output is the logit of class 1 against 0
        self._named = sites is not None  # parts that nobody has named, such as a loss or a metric, may rest
        self.tables, self.heard = resolved(self.module, sites)

    @property
    def name(self) -> str:
        return type(self.module).__name__

    @property
    def places(self) -> dict[str, str]:
        """Where each site is."""
        return self.tables | {name: ", ".join(heard.modules) for name, heard in self.heard.items()}

    @property
    def params(self) -> dict[str, Tensor]:
        """The weights themselves, detached."""
        return {name: tensor.detach() for name, tensor in self.module.named_parameters()}

    @property
    def device(self) -> torch.device:
        return next((p.device for p in self.module.parameters()), torch.device("cpu"))

    def outputs(self, inputs: Any, params: Mapping[str, Tensor] | None = None) -> Tensor:
        """The outputs on inputs; with other weights a differentiable function of them."""
        own = buffers(self.module)
        dtype = next((tensor.dtype for tensor in (params or {}).values() if tensor.is_floating_point()), None)
        if dtype is not None:
            own = {name: b.to(dtype) if b.is_floating_point() else b for name, b in own.items()}
        call = _Call(self.module, self._forward)
        state = {f"module.{name}": tensor for name, tensor in {**own, **(params or {})}.items()}
        out = logits(torch.func.functional_call(call, state, (_moved(inputs, self.device, dtype),)))
        return torch.cat([torch.zeros_like(out), out], dim=1) if self.against_zero else out

    def look(self, inputs: Any, n_points: int, batch: int) -> tuple[dict[str, Tensor], Tensor]:
        """The activations of each site on the points, and the outputs, on the CPU; batch by batch, so that of the
        activations only what is kept takes memory.

        ValueError for a site without a tensor, and for a capture that changed the outputs.
        """
        sites: dict[str, Tensor] = {}
        with torch.no_grad():
            for start in range(0, n_points, batch):
                rows = slice(start, min(start + batch, n_points))
                caught, out = self._listen(at(inputs, rows))
                for name, tensor in (caught | {OUT: out}).items():
                    if len(tensor) != rows.stop - start:
                        raise ValueError(
                            f"site {name!r} has {len(tensor)} rows for {rows.stop - start} points; say with (module, "
                            "function) what to keep of its output"
                        )
                    if name not in sites:
                        sites[name] = torch.empty(n_points, *tensor.shape[1:], dtype=tensor.dtype)
                    sites[name][rows] = tensor.cpu()
        outputs = sites.pop(OUT)
        weights = self.params
        return sites | {name: weights[place].to("cpu", copy=True) for name, place in self.tables.items()}, outputs

    def batch(self, inputs: Any, n_points: int) -> int:
        """Points of a forward pass whose largest activation takes at most AT_ONCE bytes; the pass is made on few."""
        largest = [1]

        def noted(_: nn.Module, __: Any, output: Any) -> None:
            tensor = first_tensor(output)
            largest.append(0 if tensor is None else tensor.nbytes)

        handles = [part.register_forward_hook(noted) for part in self.module.modules()]
        try:
            with torch.no_grad():
                self.outputs(inputs)
        finally:
            for handle in handles:
                handle.remove()
        return max(1, min(MOST_AT_ONCE, AT_ONCE * n_points // max(largest)))

    def check(self, inputs: Any) -> None:
        """ValueError if the outputs with the sites listened to are not those of a plain call."""
        with torch.no_grad():
            with untouched(self.module):  # a network that draws in evaluation mode draws the same again
                _, captured = self._listen(inputs)
            plain = self.outputs(inputs)
        error, size = float((captured - plain).abs().max()), float(plain.abs().max())
        if not error <= LARGEST * size:
            raise ValueError(f"listening to the sites changed the outputs by {error:.2g} (largest output {size:.2g})")

    def _listen(self, inputs: Any) -> tuple[dict[str, Tensor], Tensor]:
        kept: dict[str, dict[str, Any]] = {name: {} for name in self.heard}
        modules = dict(self.module.named_modules())
        handles = [
            modules[place].register_forward_hook(_catcher(site, place, kept[name]), with_kwargs=True)
            for name, site in self.heard.items()
            for place in site.modules
        ]
        try:
            out = self.outputs(inputs)
        finally:
            for handle in handles:
                handle.remove()
        silent = {name: set(site.modules) - set(kept[name]) for name, site in self.heard.items()}
        if self._named and any(silent.values()):
            missing = sorted(set().union(*silent.values()))
            raise ValueError(f"the forward pass never called {', '.join(missing)}")
        self.heard = {name: site for name, site in self.heard.items() if not silent[name]}
        return {name: site.tensor(name, kept[name]) for name, site in self.heard.items()}, out


class _Call(nn.Module):
    """The way a network is called, as a module, so that its weights can be exchanged."""

    def __init__(self, module: nn.Module, forward: Callable[[nn.Module, Any], Any] | None) -> None:
        super().__init__()
        self.module = module
        self._how = forward

    def forward(self, inputs: Any) -> Any:
        if self._how is not None:
            return self._how(self.module, inputs)
        return self.module(**inputs) if isinstance(inputs, Mapping) else self.module(inputs)


def unwrapped(module: Any) -> nn.Module:
    """The network inside a compiled or data-parallel one. ValueError for what is no network."""
    if not isinstance(module, nn.Module):
        raise ValueError(f"expected a torch.nn.Module, got a {type(module).__name__}")
    while True:
        wrapped = isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel)
        if not wrapped and not hasattr(module, "_orig_mod"):
            return module
        module = module.module if wrapped else module._orig_mod


def logits(output: Any) -> Tensor:
    """The outputs of a call, (point, output): its tensor, or its logits, or its first part; of a sequence the last
    position."""
    named = output.get("logits", output) if isinstance(output, Mapping) else getattr(output, "logits", output)
    tensor = first_tensor(named)
    if tensor is None:
        raise ValueError(f"the network returns a {type(output).__name__}; say with forward= what its outputs are")
    if tensor.ndim == 1:
        tensor = tensor[:, None]
    if tensor.ndim == 3:
        tensor = tensor[:, -1]
    if tensor.ndim != 2:
        raise ValueError(f"the network returns a tensor of shape {tuple(tensor.shape)}; say with forward= what to take")
    return tensor


def _catcher(site: Heard, place: str, kept: dict[str, Any]) -> Callable[..., None]:
    def caught(_: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
        kept[place] = site.caught(place, (args, kwargs, output))

    return caught


def _moved(inputs: Any, device: torch.device, dtype: torch.dtype | None) -> Any:
    return of_each(inputs, lambda tensor: tensor.to(device, dtype if tensor.is_floating_point() else None))

"""Somebody's network: its sites by name, and its activations on points, without a trace in it."""

import fnmatch
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from grokscope.registry import unknown
from grokscope.watch.attention import Attention, of_multihead
from grokscope.watch.guard import buffers, untouched
from grokscope.watch.points import at

OUT = "outputs"
RESERVED = ("logits", OUT)
PATTERN = "pattern"
AT_ONCE = 1 << 24  # bytes of the largest activation of a forward pass
MOST_AT_ONCE = 4096  # points of one
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
        self._forward = forward
        self.against_zero = False  # one output is the logit of class 1 against 0
        self._named = sites is not None  # parts that nobody has named, such as a loss or a metric, may rest
        self.tables, self.heard = _resolved(self.module, sites)

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
        return sites | {name: self._table(name) for name in self.tables}, outputs

    def batch(self, inputs: Any, n_points: int) -> int:
        """Points of a forward pass whose largest activation takes at most AT_ONCE bytes; the pass is made on few."""
        largest = [1]

        def noted(_: nn.Module, __: Any, output: Any) -> None:
            tensor = _tensor(output)
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

    def _table(self, name: str) -> Tensor:
        tensor = dict(self.module.named_parameters())[self.tables[name]].detach()
        return tensor.cpu().clone() if tensor.device.type == "cpu" else tensor.cpu()

    def _listen(self, inputs: Any) -> tuple[dict[str, Tensor], Tensor]:
        calls: dict[str, tuple[tuple, dict, Any]] = {}
        modules = dict(self.module.named_modules())
        wanted = {name for site in self.heard.values() for name in site.modules}
        handles = [modules[name].register_forward_hook(_catcher(calls, name), with_kwargs=True) for name in wanted]
        try:
            out = self.outputs(inputs)
        finally:
            for handle in handles:
                handle.remove()
        missing = sorted(wanted - set(calls))
        if missing and self._named:
            raise ValueError(f"the forward pass never called {', '.join(missing)}")
        self.heard = {name: site for name, site in self.heard.items() if site.called_in(calls)}
        return {name: site.taken(calls, name) for name, site in self.heard.items()}, out


class Heard:
    """A site of modules' calls. modules: their names. take: what is kept of a call's output."""

    def __init__(self, modules: Iterable[str], take: Callable[[Mapping[str, tuple[tuple, dict, Any]]], Tensor]) -> None:
        self.modules = tuple(modules)
        self._take = take

    def called_in(self, calls: Mapping[str, Any]) -> bool:
        return all(name in calls for name in self.modules)

    def taken(self, calls: Mapping[str, tuple[tuple, dict, Any]], name: str) -> Tensor:
        tensor = self._take(calls)
        if not isinstance(tensor, Tensor) or not tensor.ndim:
            raise ValueError(f"site {name!r} gives a {type(tensor).__name__}, expected a tensor with a row a point")
        return tensor.detach()


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
    tensor = _tensor(named)
    if tensor is None:
        raise ValueError(f"the network returns a {type(output).__name__}; say with forward= what its outputs are")
    if tensor.ndim == 1:
        tensor = tensor[:, None]
    if tensor.ndim == 3:
        tensor = tensor[:, -1]
    if tensor.ndim != 2:
        raise ValueError(f"the network returns a tensor of shape {tuple(tensor.shape)}; say with forward= what to take")
    return tensor


def last_position(output: Any) -> Any:
    """What is kept of a site by default: (point, channel) as it is; of (point, position, channel) the last position; of
    images the mean over the picture. More than a tensor: its first part."""
    tensor = _tensor(output)
    if tensor is None or tensor.ndim < 3:
        return tensor
    return tensor[:, -1] if tensor.ndim == 3 else tensor.flatten(2).mean(-1)


def last_query(output: Any) -> Any:
    """What is kept of a pattern: (point, head, key) as it is; of (point, head, query, key) the last query."""
    tensor = _tensor(output)
    return tensor[:, :, -1] if tensor is not None and tensor.ndim == 4 else tensor


def _tensor(output: Any) -> Tensor | None:
    while not isinstance(output, Tensor):
        if isinstance(output, Mapping) and output:
            output = next(iter(output.values()))
        elif isinstance(output, tuple | list) and output:
            output = output[0]
        else:
            return None
    return output


def _catcher(calls: dict[str, tuple[tuple, dict, Any]], name: str) -> Callable[..., None]:
    def caught(_: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
        calls[name] = (args, kwargs, output)

    return caught


def _moved(inputs: Any, device: torch.device, dtype: torch.dtype | None) -> Any:
    if isinstance(inputs, Mapping):
        return {name: _moved(tensor, device, dtype) for name, tensor in inputs.items()}
    inputs = inputs.to(device)
    return inputs.to(dtype) if dtype is not None and inputs.is_floating_point() else inputs


def _resolved(module: nn.Module, sites: Any) -> tuple[dict[str, str], dict[str, Heard]]:
    """The sites that are weights, and those of modules' calls. sites: {name: where}, or a list of places, which may
    have wildcards and are their own names; None: the table of symbols and the parts of the network."""
    modules = {name: part for name, part in module.named_modules() if name}
    weights = dict(module.named_parameters())
    tables: dict[str, str] = {}
    heard: dict[str, Heard] = {}
    named = sites if isinstance(sites, Mapping) else {place: place for place in _places(modules, weights, sites)}
    for name, where in named.items():
        if name in RESERVED:
            raise ValueError(f"a site cannot be called {name!r}: that is what the network gives out")
        if isinstance(where, str) and where in weights:
            tables[name] = where
        else:
            heard[name] = _heard(name, where, modules)
    if sites is None and "embed" not in named and (table := _only_table(modules)):
        tables["embed"] = table
    return tables, heard


def _heard(name: str, where: Any, modules: Mapping[str, nn.Module]) -> Heard:
    if isinstance(where, Attention):
        for place in where.names.values():
            _require(place, modules)
        return Heard(where.names.values(), lambda calls: where.pattern(_parts(where, calls)))
    usual = last_query if name.partition(".")[0] == PATTERN else last_position
    place, take = where if isinstance(where, tuple) else (where, usual)
    keep: Any = take
    if not isinstance(place, str) or not callable(take):
        raise ValueError(f"site {name!r}: expected a module's name, (name, function) or Attention(...)")
    found = _require(place, modules)
    if take is last_query and isinstance(found, nn.MultiheadAttention):
        of = of_multihead(found)
        return Heard([place], lambda calls: of(*calls[place]))
    return Heard([place], lambda calls: keep(calls[place][2]))


def _parts(of: Attention, calls: Mapping[str, tuple[tuple, dict, Any]]) -> dict[str, Tensor]:
    parts = {part: calls[name][2] for part, name in of.names.items() if part != "out"}
    if of.out:
        args, kwargs, _ = calls[of.out]
        parts["out"] = args[0] if args else next(iter(kwargs.values()))
    return parts


def _places(modules: Mapping[str, nn.Module], weights: Mapping[str, Any], sites: Any) -> list[str]:
    if sites is None:
        return _parts_of(modules)
    places: list[str] = []
    for pattern in [sites] if isinstance(sites, str) else sites:
        found = [name for name in (*modules, *weights) if fnmatch.fnmatchcase(name, pattern)]
        places += [name for name in (found or [_require(pattern, modules) and pattern]) if name not in places]
    return places


def _parts_of(modules: Mapping[str, nn.Module]) -> list[str]:
    """The direct parts of the network; of a network of one part its parts."""
    prefix = ""
    while True:
        parts = [name for name in modules if name.startswith(prefix) and "." not in name[len(prefix) :]]
        if len(parts) != 1 or not any(name.startswith(f"{parts[0]}.") for name in modules):
            return [name for name in parts if not isinstance(modules[name], nn.Embedding | nn.ModuleList)]
        prefix = f"{parts[0]}."


def _only_table(modules: Mapping[str, nn.Module]) -> str | None:
    return next((f"{name}.weight" for name, part in modules.items() if isinstance(part, nn.Embedding)), None)


def _require(place: str, modules: Mapping[str, nn.Module]) -> nn.Module:
    if place not in modules:
        raise ValueError(unknown("module", place, modules))
    return modules[place]

"""What the callbacks of frameworks share: one watch from the start of a training to its end."""

import contextlib
import importlib
import inspect
import sys
import weakref
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from grokscope.errors import GrokscopeError
from grokscope.watch.watch import Watch

TAKEN = ("self", "step", "loss")  # arguments of `Watch.step`


class Attached:
    """Makes the watch when a training starts, and closes it when it ends.

    network: the name of the module within the framework's that is watched; None: all of it. options: of `Watch`.
    TypeError for an option that `Watch` does not have.
    """

    def __init__(self, inputs: Any, labels: Any, network: str | None, options: Mapping[str, Any]) -> None:
        inspect.signature(Watch).bind(None, inputs, labels, start=0, **options)
        self._points, self._network, self._options = (inputs, labels), network, options
        self._watch: Watch | None = None

    @property
    def watch(self) -> Watch:
        """GrokscopeError before the first training."""
        if self._watch is None:
            raise GrokscopeError("there is no watch yet: it is made when the training starts, in the first process")
        return self._watch

    def start(self, module: nn.Module, step: int) -> None:
        """A new watch; one of a training before is closed. ValueError as of `Watch`."""
        self.close(ended=False)
        self._watch = Watch(self._found(module), *self._points, start=step, **self._options)
        # A training that raises may never say that it has ended; the interpreter does when it lets go of it.
        weakref.finalize(self, self._watch.close, ended=False)

    def step(self, step: int, loss: Any, logged: Mapping[str, Any]) -> None:
        """As `Watch.step`. What is logged but no number is left out."""
        if self._watch is not None:
            numbers = {n: v for n, v in logged.items() if n not in TAKEN and isinstance(v, int | float | Tensor)}
            self._watch.step(step, loss=loss, **numbers)

    @property
    def should_stop(self) -> bool:
        return self._watch is not None and self._watch.should_stop

    def close(self, *, ended: bool = True) -> None:
        """ended: whether the training came to its end; if not, no heavy measures are taken."""
        if self._watch is not None:
            self._watch.close(ended=ended)

    def _found(self, module: nn.Module) -> nn.Module:
        kind, inside = type(module), ", ".join(name for name, _ in module.named_children())
        if self._network is None:
            defines = next(one for one in (module, *kind.__mro__) if "forward" in vars(one))
            nothing = defines is nn.Module or getattr(defines, "__name__", "") == "LightningModule"
            if nothing and self._options.get("forward") is None:
                raise ValueError(f"{kind.__name__} has no forward: say with network= which module is watched: {inside}")
            return module
        with contextlib.suppress(AttributeError):
            return module.get_submodule(self._network)
        raise ValueError(f"network = {self._network!r}: {kind.__name__} has no such module; it has {inside}")


def imported(*modules: str, package: str) -> ModuleType:
    """The first of the modules that is installed; one that is loaded already comes first. GrokscopeError if none is."""
    for name in sorted(modules, key=lambda name: name not in sys.modules):
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(name)
    raise GrokscopeError(f"this callback needs {package}: pip install 'grokscope[{package}]'")

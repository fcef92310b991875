"""What a look at somebody's network must not change."""

import contextlib
import random
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
# Hooks of PyTorch that make the weights (weight_norm, spectral_norm, pruning) belong to the network.
OF_WEIGHTS = "torch.nn.utils"
# Where accelerate keeps a network's forward pass while another that turns autocast on stands in its place.
OWN_FORWARD = "_original_forward"


@contextlib.contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Within it the network is in evaluation mode, in eager mode, without autocast, and the hooks that others have
    registered rest; after it everything is as it was: random states, modes, hooks, attributes and buffers of every
    module.

    A module's attributes are restored as they were bound: a list that the forward pass appends to stays longer.
    """
    modules = list(network.modules())
    kept = [(module, dict(module.__dict__), _tables(module)) for module in modules]
    own = [value for module in modules for value in vars(module).values()]
    with same_randomness(), generators_kept(own), _plain_computing():
        try:
            for module in modules:
                module.__dict__["training"] = False
                if OWN_FORWARD in module.__dict__:
                    module.__dict__["forward"] = module.__dict__[OWN_FORWARD]
                for name in HOOKS:
                    module.__dict__[name] = _own(module.__dict__.get(name, {}))
            yield
        finally:
            for module, attributes, tables in kept:
                module.__dict__.clear()
                module.__dict__.update(attributes)
                for name, entries in tables.items():
                    table = module.__dict__[name]
                    table.clear()
                    table.update(entries)


@contextlib.contextmanager
def generators_kept(values: Iterable[Any]) -> Iterator[None]:
    """Those of the values that are random generators of somebody's own go on where they were."""
    owned = list(values)
    torchs = [(one, one.get_state()) for one in owned if isinstance(one, torch.Generator)]
    numpys = [(one, one.bit_generator.state) for one in owned if isinstance(one, np.random.Generator)]
    try:
        yield
    finally:
        for one, state in torchs:
            one.set_state(state)
        for one, state in numpys:
            one.bit_generator.state = state


def buffers(network: nn.Module) -> dict[str, torch.Tensor]:
    """Copies of all buffers, for a forward pass that may write to them."""
    return {name: buffer.detach().clone() for name, buffer in network.named_buffers()}


def _tables(module: nn.Module) -> dict[str, dict]:
    return {name: dict(module.__dict__[name]) for name in ("_parameters", "_buffers", "_modules")}


def _own(hooks: dict) -> OrderedDict:
    """Those hooks that make the network's weights."""
    return OrderedDict((key, hook) for key, hook in hooks.items() if type(hook).__module__.startswith(OF_WEIGHTS))


@contextlib.contextmanager
def same_randomness() -> Iterator[None]:
    """Leaves the random states of the process as they are: a watched training goes the way it would go unwatched."""
    python, legacy = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=list(devices)):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)


@contextlib.contextmanager
def _plain_computing() -> Iterator[None]:
    """No compiled code, no autocast, no fused paths that hide what is inside."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    try:
        with contextlib.ExitStack() as stack:
            for device in devices:
                stack.enter_context(torch.autocast(device, enabled=False))
            stack.enter_context(torch.compiler.set_stance("force_eager"))
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)

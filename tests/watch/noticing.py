"""All that a training could notice of a look at its network."""

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks")


def seeded(seed: int = 0) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def random_states() -> list[Any]:
    numbers = [one.tobytes() if isinstance(one, np.ndarray) else one for one in np.random.get_state()]
    return [torch.get_rng_state(), random.getstate(), numbers]


def seen(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """All that a training could notice. Tensors are copies."""
    found: dict[str, Any] = {"random": random_states(), "optimizer": optimizer.state_dict()}
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        grad = tensor.grad if tensor.is_leaf else None
        found[f"tensor {name}"] = [tensor, grad, tensor.requires_grad, tensor._version]
    for name, module in network.named_modules():
        found[f"mode {name}"] = module.training
        found[f"hooks {name}"] = [list(getattr(module, kind, {}).items()) for kind in HOOKS]
        plain = {key: value for key, value in vars(module).items() if not isinstance(value, dict | nn.Module)}
        found[f"attributes {name}"] = sorted(plain), [v for v in plain.values() if isinstance(v, int | Tensor | list)]
    found["modes"] = torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"), torch.get_num_threads()
    return copied(found)


def copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    return [copied(one) for one in value] if isinstance(value, list | tuple) else value


def require_same(one: Any, other: Any, where: str = "") -> None:
    assert type(one) is type(other), where
    if isinstance(one, Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert list(one) == list(other), where
        for key, value in one.items():
            require_same(value, other[key], f"{where}/{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for place, value in enumerate(one):
            require_same(value, other[place], f"{where}/{place}")
    else:
        assert one == other, where


def of_two(state: dict[str, Any]) -> dict[str, Any]:
    """What two trainings of one kind share. Hooks are functions of each network's own, and compiled modules keep ids in
    attributes: they are compared within a training alone."""
    return {name: value for name, value in state.items() if not name.startswith(("hooks", "attributes"))}

"""Networks with all that a look might disturb."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tests.watch.networks import P, Plain


class Counting(Plain):
    """Counts its calls, in an attribute and in a buffer, and draws with each, from its own generators too; in
    evaluation mode it keeps something."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.last = 0, None
        self.own, self.numbers = torch.Generator().manual_seed(1), np.random.default_rng(1)
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("written", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen = self.seen + torch.ones(())
        self.get_buffer("written").add_(1)
        self.last = x
        if not self.training and "kept" not in self._buffers:
            self.register_buffer("kept", x)  # as tables of positions are
        random.random()
        np.random.rand()
        noise = torch.rand(()) + torch.rand((), generator=self.own) + self.numbers.random()
        return super().forward(x) + noise * 1e-3 * torch.ones(P).cumsum(0)


class Attending(nn.Module):
    """PyTorch's own attention, whose fast path in evaluation mode hides the pattern; its table is also the read-out."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(P, 16)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(self.embed(x))[:, -1] @ self.embed.weight.T


class Tied(Plain):
    """Two names of one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(16, P, bias=False)
        self.out.weight = self.embed.weight
        self.net[-1] = nn.Linear(32, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(super().forward(x))


def frozen() -> nn.Module:
    network = Plain()
    network.embed.requires_grad_(False)
    network.net[1].eval()
    return network


def hooked() -> nn.Module:
    network: Any = Plain()
    network.calls = []
    network.net[0].register_forward_hook(lambda *_: network.calls.append("forward"))
    network.net[2].register_forward_pre_hook(lambda *_: network.calls.append("before"))
    network.net[4].register_full_backward_hook(lambda *_: network.calls.append("backward"))
    return network


def first_layer(change: Callable[[nn.Module], object]) -> Callable[[], nn.Module]:
    def built() -> nn.Module:
        network = Plain()
        change(network.net[0])
        return network

    return built


def compiled_in_place() -> nn.Module:
    network = Plain()
    network.compile(backend="eager")
    return network


KINDS: dict[str, Callable[[], Any]] = {
    "dropout_batch_norm": Plain,
    "counting": Counting,
    "attention": Attending,
    "tied": Tied,
    "frozen": frozen,
    "hooked": hooked,
    "spectral_norm": first_layer(nn.utils.spectral_norm),
    "spectral_norm_parametrized": first_layer(nn.utils.parametrizations.spectral_norm),
    "weight_norm": first_layer(nn.utils.weight_norm),
    "weight_norm_parametrized": first_layer(nn.utils.parametrizations.weight_norm),
    "data_parallel": lambda: nn.DataParallel(Plain()),
    "compiled": lambda: torch.compile(Plain(), backend="eager"),
    "compiled_backward": lambda: torch.compile(Plain(), backend="aot_eager"),
    "compiled_in_place": compiled_in_place,
}

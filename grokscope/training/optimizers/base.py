"""An optimizer of a pack: elementwise on flat (replica, parameter) tensors, every hyper-parameter a column over
replicas."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.runs.config import RunConfig


class Optimizer(ABC):
    """Updates flat parameters in place.

    state: name -> (replica, parameter) tensor; what a resumed run needs, and what is zeroed when a replica ends.
    """

    state: dict[str, Tensor]

    @abstractmethod
    def update(
        self,
        params: Float[Tensor, "replica parameter"],
        gradients: Float[Tensor, "replica parameter"],
        *,
        step: int,
        rates: Float[Tensor, "replica 1"],
    ) -> None:
        """One step (counted from 0) at the given learning rates (float64; 0 for a replica that has ended)."""


def column(
    configs: Sequence[RunConfig], value: Callable[[RunConfig], float], like: Tensor
) -> Float[Tensor, "replica 1"]:
    """One hyper-parameter of all replicas, float64: products such as 1 - rate * decay are rounded once, at the end."""
    return torch.tensor([[value(config)] for config in configs], dtype=torch.float64, device=like.device)

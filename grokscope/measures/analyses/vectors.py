"""Weights and gradients of several steps as vectors in one order."""

from collections.abc import Mapping

import torch
from jaxtyping import Float64
from torch import Tensor


def vector(tensors: Mapping[str, Tensor]) -> Float64[Tensor, " weight"]:
    """All tensors one after the other, by name."""
    return torch.cat([tensors[name].double().flatten() for name in sorted(tensors)])

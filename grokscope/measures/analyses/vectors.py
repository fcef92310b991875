"""Weights and gradients of several steps as vectors in one order."""

from collections.abc import Mapping

import torch
from jaxtyping import Float64
from torch import Tensor


def vector(tensors: Mapping[str, Tensor]) -> Float64[Tensor, " weight"]:
    """All tensors one after the other, by name."""
    return torch.cat([tensors[name].double().flatten() for name in sorted(tensors)])


def unflattened(vectors: Float64[Tensor, "*batch weight"], shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """The tensors of vectors in which they stand one after the other, in the order of their shapes."""
    parts = vectors.split([shape.numel() for shape in shapes.values()], dim=-1)
    kinds = zip(shapes.items(), parts, strict=True)
    return {name: part.reshape(*vectors.shape[:-1], *shape) for (name, shape), part in kinds}

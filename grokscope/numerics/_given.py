"""What anybody gives to `numerics.arrays`: numbers as arrays or tensors, and a function of params and inputs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from grokscope.numerics._points import cloud, real

# Rows alone and among others must give the same outputs: products of matrices of another size round differently.
SAME = 1e-6


def real_of(values: Any, name: str) -> Float64[np.ndarray, "..."]:
    """As `_points.real`; a ValueError also for what is no rectangular array, and for masked cells."""
    return real(_plain(values, name), name)


def cloud_of(values: Any, name: str) -> Float64[np.ndarray, "point channel"]:
    return cloud(real_of(values, name), centre=False, what=name)


def tensor_of(values: Any, name: str) -> Tensor:
    """On the CPU without gradients, in float64 if of floating point; whole numbers keep their dtype."""
    plain = _plain(values, name)
    array = real(plain, name)
    if isinstance(plain, Tensor):
        return plain.detach().cpu().to(torch.float64 if plain.is_floating_point() else plain.dtype)
    return torch.from_numpy(np.array(array if plain.dtype.kind == "f" else plain))


def _plain(values: Any, name: str) -> Any:
    """An array, or a tensor of numbers that lie in memory."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(f"{name} has masked cells; leave their rows out, or fill them")
    if isinstance(values, Tensor):
        if values.is_meta or values.is_nested or values.layout != torch.strided:
            raise ValueError(f"{name} is a tensor without a plain array of numbers ({values.layout}, {values.device})")
        return values
    if isinstance(values, list | tuple):
        values = [value.tolist() if isinstance(value, Tensor) else value for value in values]
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name} is no rectangular array of numbers: are its rows of different lengths?") from None


def pattern_of(values: Any, query: int) -> Float64[np.ndarray, "input head key"]:
    """The weights of one query. A causal pattern of (head, query, key) would pass for (input, head, key)."""
    pattern = real_of(values, "P")
    shape = pattern.shape
    if pattern.ndim not in (3, 4) or not pattern.size:
        raise ValueError(f"P must have the shape (input, head, key) or (input, head, query, key), got {shape}")
    if pattern.ndim == 4:
        if isinstance(query, bool) or not isinstance(query, int) or not -shape[2] <= query < shape[2]:
            raise ValueError(f"query = {query!r}: P has the queries 0 to {shape[2] - 1}")
        return pattern[:, :, query]
    if query != -1:
        raise ValueError(f"query = {query!r} is for P of (input, head, query, key); this one has the shape {shape}")
    if shape[1] == shape[2] > 1 and not np.triu(pattern, 1).any():
        raise ValueError(
            f"P of shape {shape} looks like a causal (head, query, key): give it as P[None], with an axis of inputs"
        )
    return pattern


def require_own_rows(f: Callable[..., Tensor], weights: dict[str, Tensor], x: Tensor) -> None:
    """ValueError where f gives no tensor with a row an input, or other outputs for an input that stands alone."""
    with torch.no_grad():
        alone, together = f(dict(weights), x[:1]), f(dict(weights), x[:2])
    for n, outputs in ((1, alone), (len(x[:2]), together)):
        if not isinstance(outputs, Tensor) or outputs.ndim not in (1, 2) or len(outputs) != n or not outputs.numel():
            got = tuple(outputs.shape) if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
            raise ValueError(f"f must give a tensor (n, outputs) or (n,) of n inputs; of {n} it gave {got}")
        if not outputs.is_floating_point():
            raise ValueError(
                f"f must give real numbers of floating point, which have gradients; it gave {outputs.dtype}"
            )
    size = float(together.nan_to_num(0, 0, 0).abs().max())  # of outputs that are not finite the kernel says so
    if not torch.allclose(alone[0], together[0], rtol=SAME, atol=SAME * size, equal_nan=True):
        raise ValueError("f gives an input other outputs alone than beside another: a kernel needs rows of their own")

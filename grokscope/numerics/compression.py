"""How few bits hold weights that still do the task."""

import bz2
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

Params = Mapping[str, Tensor]
# The grid: shares of a matrix's singular values that are kept, and steps of the lattice in a tensor's root mean square.
KEPT = (1.0, 0.99, 0.95, 0.9, 0.8, 0.6, 0.4, 0.0)
STEPS = (0.01, 0.03, 0.1, 0.3, 0.5, 1.0, 2.0)


def coarse(weights: Params, kept: float, step: float) -> tuple[dict[str, Tensor], list[np.ndarray]]:
    """The weights with fewer directions and digits, and the whole numbers that hold them.

    Of each matrix the fewest singular values are taken whose sum is a share `kept` of all; where the two factors U S
    and V^T are smaller than the matrix, these are kept. Then every number is rounded to a multiple of step times the
    root mean square of its tensor. Axes before the last two are of several matrices.
    """
    return _rounded(_fewer(_decomposed(weights), kept), step)


def _rounded(tensors: Mapping[str, list[Tensor]], step: float) -> tuple[dict[str, Tensor], list[np.ndarray]]:
    """The product of each tensor's factors on a lattice, and the whole numbers of all."""
    made, held = {}, []
    for name, parts in tensors.items():
        rounded = []
        for part in parts:
            unit = step * math.sqrt(float(part.square().mean())) if part.numel() else 0.0
            numbers = (part / unit).round() if unit else torch.zeros_like(part)
            held.append(numbers.numpy().astype(np.int64))
            rounded.append(numbers * unit)
        made[name] = rounded[0] if len(rounded) == 1 else rounded[0] @ rounded[1]
    return made, held


def _decomposed(weights: Params) -> dict[str, tuple[Tensor, tuple[Tensor, ...]]]:
    """Each tensor, and of matrices U, S and V^T."""
    whole = {name: tensor.double() for name, tensor in weights.items()}
    return {name: (t, torch.linalg.svd(t, full_matrices=False) if t.ndim > 1 else ()) for name, t in whole.items()}


def _fewer(tensors: Mapping[str, tuple[Tensor, tuple[Tensor, ...]]], kept: float) -> dict[str, list[Tensor]]:
    return {name: _factors(whole, *parts, kept=kept) if parts else [whole] for name, (whole, parts) in tensors.items()}


def _factors(whole: Tensor, U: Tensor, S: Tensor, Vh: Tensor, *, kept: float) -> list[Tensor]:
    shares = S.cumsum(-1) / S.sum(-1, keepdim=True).clamp(min=torch.finfo(S.dtype).tiny)
    # The largest of all matrices of a tensor: they are kept as one.
    k = int((shares < kept * (1 - 1e-12)).sum(-1).max()) + 1 if kept else 0
    if k * (whole.shape[-2] + whole.shape[-1]) >= whole.shape[-2] * whole.shape[-1]:
        return [whole]
    return [U[..., :k] * S[..., None, :k], Vh[..., :k, :]]


def bits(numbers: Sequence[np.ndarray]) -> int:
    """Of whole numbers, compressed by bz2 in the smallest type that holds them all, without names or shapes."""
    flat = np.concatenate([part.ravel() for part in numbers]) if numbers else np.zeros(0, np.int64)
    largest = int(np.abs(flat).max(initial=0))
    kind = next(kind for kind in (np.int8, np.int16, np.int32, np.int64) if largest <= np.iinfo(kind).max)
    return 8 * len(bz2.compress(flat.astype(kind).tobytes(), 9))


def description_length(
    weights: Params,
    loss: Callable[[Params], float],
    slack: Sequence[float],
    *,
    kept: Sequence[float] = KEPT,
    steps: Sequence[float] = STEPS,
) -> dict[float, int | None]:
    """Slack -> the fewest bits of weights whose loss is at most that of the weights themselves plus the slack; None
    where no cell of the grid (kept, steps) is as good.

    Every cell is tried, so the answer is never larger at a larger slack. Source: DeMoss et al. 2024, arXiv:2412.09810,
    with the root mean square of each tensor as its unit, a fixed grid, and all of the training data.
    """
    most, decomposed = loss(weights), _decomposed(weights)
    cells = []
    for factors in (_fewer(decomposed, share) for share in kept):
        for step in steps:
            made, held = _rounded(factors, step)
            cells.append((bits(held), loss(made)))
    found: dict[float, int | None] = {}
    for extra in slack:
        good = [size for size, lost in cells if lost <= most + extra]
        found[extra] = min(good, default=None)
    return found

"""The closed-form network that adds modulo p: weights of `quadratic_mlp` that need no training.

Source: Gromov 2023, arXiv:2301.02679, the analytic solution.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float64
from torch import Tensor


def solution(
    p: int, d_mlp: int, *, seed: int = 0, frequencies: Sequence[int] | None = None
) -> dict[str, Float64[Tensor, "row column"]]:
    """W_in (2 p, d_mlp) and W_out (d_mlp, p), float64, one frequency s_i and two random phases a neuron i.

        W_in[n, i]     = cos(2 pi s_i n / p + f1_i)                  first operand
        W_in[p + m, i] = cos(2 pi s_i m / p + f2_i)                  second operand
        W_out[i, q]    = cos(2 pi s_i q / p + f1_i + f2_i)           f3 = f1 + f2

    Then sum_i (W_in[n, i] + W_in[p + m, i])^2 W_out[i, q] = 1/2 sum_i cos(2 pi s_i (n + m - q) / p) plus terms that
    keep a random phase and are of order sqrt(d_mlp).

    frequencies: s_i cycles over them; by default 1..floor(p/2), so that no neuron is constant. f1, f2: uniform in
    [0, 2 pi), drawn with the seed. ValueError for p below 3, for less than one neuron, for no frequency and for one
    that is not in 0..p-1.
    """
    cycle = list(range(1, p // 2 + 1)) if frequencies is None else list(frequencies)
    if p < 3 or d_mlp < 1:
        raise ValueError(f"p must be at least 3 and d_mlp at least 1, got {p} and {d_mlp}")
    if not cycle or not set(cycle) <= set(range(p)):
        raise ValueError(f"frequencies must be one or more whole numbers in 0..{p - 1}, got {cycle}")
    s = torch.tensor(cycle)[torch.arange(d_mlp) % len(cycle)]
    f1, f2 = 2 * math.pi * torch.rand(2, d_mlp, generator=torch.Generator().manual_seed(seed)).double()
    # The angle is reduced in integers, so that it costs no precision.
    angle = 2 * math.pi / p * (torch.arange(p)[:, None] * s % p).double()
    return {"W_in": torch.cat([torch.cos(angle + f1), torch.cos(angle + f2)]), "W_out": torch.cos(angle + f1 + f2).T}

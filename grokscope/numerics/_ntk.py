"""The empirical neural tangent kernel of a network, in blocks that fit a given memory.

    K(x, x')_cd = <d f_c(x) / d theta, d f_d(x') / d theta>

Source: Jacot, Gabriel & Hongler 2018, arXiv:1806.07572.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from grokscope.numerics._tangents import Factor, Function, Tangents, blocks
from grokscope.registry import unknown

Kind = Literal["trace", "output", "full"]
MEMORY = 2**30  # bytes


def ntk(
    function: Function,
    params: Mapping[str, Tensor],
    x1: Float[Tensor, "one ..."],
    x2: Float[Tensor, "other ..."] | None = None,
    *,
    kind: Kind = "trace",
    memory: int = MEMORY,
) -> Float64[Tensor, "one other"] | Float64[Tensor, "one other output"] | Float64[Tensor, "one output other output"]:
    """The empirical neural tangent kernel of x1 with x2 (or with itself), over all weights.

    function: (params, inputs) -> (n, outputs) or (n,), each row from its own input, as
    `lambda params, x: torch.func.functional_call(module, params, (x,))`. params of integers are passed through.
    kind: "trace": the sum of K_cc over the outputs c; "output": each K_cc, (one, other, output); "full": K_cd,
    (one, output, other, output).
    memory: bytes for the result and all that is held beside it. Gradients are formed in as few blocks of samples as it
    allows; the blocks change the result by rounding only. Products are in the dtype of the weights, sums in float64.

    ValueError where the memory is not enough for the result and a block of one sample; the message says how much is.
    """
    if kind not in get_args(Kind):
        raise ValueError(unknown("kind of kernel", kind, get_args(Kind)))
    tangents = Tangents(function, params, x1)
    n_outputs, same = tangents.n_outputs, x2 is None
    other = x1 if x2 is None else x2
    shape = {
        "trace": (len(x1), len(other)),
        "output": (len(x1), len(other), n_outputs),
        "full": (len(x1), n_outputs, len(other), n_outputs),
    }[kind]
    free = _free(memory, shape, tangents)
    n_products = n_outputs**2 if kind == "full" else n_outputs
    tangents.fit(x1 if same else torch.cat([x1, other]), n_products, free // 4)
    plan = _plan(tangents, free, len(x1), None if same else len(other), kind)
    kernel = torch.zeros(shape, dtype=torch.float64)
    for outputs in blocks(n_outputs, plan.n_outputs):
        place = kernel[:, :, outputs] if kind == "output" else kernel
        for rows in blocks(len(x1), plan.n_samples):
            held = tangents.block(x1[rows], outputs, plan.work)
            for columns in blocks(rows.stop if same else len(other), plan.n_samples):
                own = same and rows == columns
                again = held if own else tangents.block(other[columns], outputs, plan.work)
                part = place[rows, :, columns] if kind == "full" else place[rows, columns]
                _add(part, held, again, kind, plan.pairs)
                if same and not own:
                    (place[columns, :, rows] if kind == "full" else place[columns, rows]).copy_(_swapped(part, kind))
                del again  # before the next one is made
            del held
    return kernel


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """n_outputs, n_samples: in a block. work: bytes to form gradients in. pairs: bytes for products of pairs."""

    n_outputs: int
    n_samples: int
    work: int
    pairs: int


def _free(memory: int, shape: tuple[int, ...], tangents: Tangents) -> int:
    """The bytes left beside the result; ValueError where they are not enough to form one gradient."""
    result = 8 * int(np.prod([float(size) for size in shape]))
    if result > memory:
        raise ValueError(
            f"a kernel of shape {shape} takes {_mb(result)} itself, more than memory = {_mb(memory)}: give more, "
            f'take fewer samples, or ask for kind="trace"'
        )
    need = 4 * tangents.bytes_formed
    if memory - result < need:
        raise ValueError(
            f"blocks of one sample still need {_mb(need)} beside the {_mb(result)} of the result ({tangents.size:,} "
            f"weights of {tangents.width} bytes), and memory is {_mb(memory)}: give at least {_mb(need + result)}"
        )
    return memory - result


def _plan(tangents: Tangents, free: int, n_one: int, n_other: int | None, kind: Kind) -> _Plan:
    """All samples in one block if they fit, with as many outputs as fit; else as many samples as fit."""
    work, pairs = free // 4, free // 8
    held = free - work - pairs
    total = n_one + (n_other or 0)
    least = tangents.n_outputs if kind == "full" else 1
    one_more = tangents.bytes_held(1) - tangents.bytes_held(0)
    n_outputs = (held // total - tangents.bytes_held(0)) // one_more
    if n_outputs >= least:
        n_outputs, n_samples = min(n_outputs, tangents.n_outputs), max(n_one, n_other or 0)
    else:
        n_outputs, n_samples = least, held // (2 * tangents.bytes_held(least))
    if n_samples < 1:
        need = 2 * tangents.bytes_held(least)
        raise ValueError(
            f"two blocks of one sample with its gradients of {least} outputs need {_mb(need)}, and of memory they may "
            f"take {_mb(held)}: give at least {_mb(2 * need)} beside the result"
        )
    return _Plan(n_outputs=n_outputs, n_samples=n_samples, work=work, pairs=pairs)


def _add(into: Tensor, first: dict[str, Factor], second: dict[str, Factor], kind: Kind, pairs: int) -> None:
    """Adds the inner products of two blocks, so few rows at a time that their products fit in `pairs` bytes."""
    for name, own in first.items():
        other = second[name]
        (_, groups, k, n_outputs, _), (m, _, q, _, _) = own.right.shape, other.right.shape
        # Products of lefts, of rights, and of both.
        width = 3 * k * q * m * (n_outputs**2 if kind == "full" else 1) * own.right.itemsize
        for rows in blocks(len(own.right), max(1, pairs // width)):
            for group in range(groups):
                into[rows] += _inner(own, other, rows, group, kind)


def _inner(own: Factor, other: Factor, rows: slice, group: int, kind: Kind) -> Tensor:
    """Inner products of one group of matrices, as `ntk` lays them out."""
    b, d = own.right[rows, group], other.right[:, group]
    (n, k, c, _), (m, q, e, _) = b.shape, d.shape
    lefts = None
    if own.left is not None and other.left is not None:
        a = own.left[rows, group]
        lefts = (a.flatten(0, 1) @ other.left[:, group].flatten(0, 1).T).view(n, k, m, q)

    def summed(rights: Tensor) -> Tensor:
        products = rights.view(n, k, m, q)
        return (products if lefts is None else products * lefts).sum((1, 3))

    if kind == "trace":
        return summed(b.reshape(n * k, -1) @ d.reshape(m * q, -1).T)
    if kind == "output":
        by_output = (b[:, :, i].flatten(0, 1) @ d[:, :, i].flatten(0, 1).T for i in range(c))
        return torch.stack([summed(rights) for rights in by_output], dim=-1)
    rights = (b.flatten(0, 2) @ d.flatten(0, 2).T).view(n, k, c, m, q, e)
    return (rights if lefts is None else rights * lefts[:, :, None, :, :, None]).sum((1, 4))


def _swapped(part: Tensor, kind: Kind) -> Tensor:
    """The block on the other side of the diagonal."""
    return part.permute(2, 3, 0, 1) if kind == "full" else part.transpose(0, 1)


def _mb(n_bytes: float) -> str:
    return f"{n_bytes / 2**20:,.1f} MiB"

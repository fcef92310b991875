"""Weight tables whose first axis is residues."""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics import fourier
from grokscope.runs.snapshot import Snapshot


def embedding_table(snapshot: Snapshot) -> Float[Tensor, "residue d_model"]:
    """W_E without the row of "=", as the network reads it (behind a bottleneck, if any)."""
    return snapshot.activations["embed"].double()


def operand_blocks(snapshot: Snapshot) -> list[tuple[str, slice]] | Missing:
    """The weights of the operands' symbols, as tensor names and rows: a table for both operands, or one for each."""
    params, n = snapshot.params, snapshot.task.n_symbols
    tables = [(name, slice(n)) for name in ("W_E", "W_E_right") if name in params]
    if tables:
        return tables
    if n and "W_in" in params and len(params["W_in"]) == 2 * n:
        return [("W_in", slice(n)), ("W_in", slice(n, 2 * n))]
    return Missing("the network has no table of symbols")


def spectral_ginis(tables: Float[Tensor, "network residue channel"], paired: bool) -> list[float | Missing]:
    """Gini coefficient of the norms of each table's Fourier components, as `numerics.fourier.gini` defines it.

    The paper does not say whether cosine and sine count separately. paired=False: separately, with the constant
    (N = p values). paired=True: together, without the constant (N = (p - 1)/2 values); a rotation of the residues does
    not change this.
    """
    tables = tables.double()
    # Over a power of two, which is exact: squares then neither underflow nor overflow.
    exponent = torch.frexp(tables.abs().amax((1, 2), keepdim=True)).exponent
    squares = (_basis(tables.shape[1]) @ torch.ldexp(tables, -exponent)).square().sum(2)
    pairs = squares[:, 1:] if squares.shape[1] % 2 else torch.nn.functional.pad(squares[:, 1:], (0, 1))
    frequencies = pairs.unflatten(1, (-1, 2)).sum(2)
    x = (frequencies if paired else squares).sqrt().sort(1).values
    n = x.shape[1]
    weights = 2 * torch.arange(1, n + 1, dtype=x.dtype) - n - 1
    ginis = ((x * weights).sum(1) / (n * x.sum(1))).tolist()
    # Rounding leaves some 1e-15 of its size in a table that is constant.
    varies = frequencies.amax(1).sqrt() > 1e-12 * squares.sum(1).sqrt()
    constant = Missing("the table does not vary over the residues")
    return [gini if holds else constant for gini, holds in zip(ginis, varies.tolist(), strict=True)]


@lru_cache(maxsize=16)
def _basis(p: int) -> Float[Tensor, "component residue"]:
    return torch.from_numpy(fourier.basis(p))

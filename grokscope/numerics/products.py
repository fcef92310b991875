"""Products of float32 matrices by oneDNN, which torch carries beside MKL.

MKL uses half of the vector width of processors that are not Intel's: on a Zen 5 core 100 GFLOP/s, oneDNN 215 to 235
(docs/log.md). torch asks oneDNN by itself for narrower dtypes alone; its operator for a linear layer takes float32. It
has no derivative: it is for gradients made by hand.
"""

import torch
from jaxtyping import Float
from torch import Tensor

# Multiply-adds from which the call, 10 us longer than that of torch's own product, is worth it.
WORTH = 1 << 20
# Elements of a product that oneDNN makes at once: 1 MB stays in the cache until it is copied, and is memory that the
# process keeps, where larger arrays are fresh pages each time.
BLOCK = 1 << 18
# Without AVX-512 there is no half of the width to win: on a Zen 3 core a step takes .76 to .92 of the time by MKL.
_is_wide = torch.backends.cpu.get_cpu_capability() == "AVX512" and torch.backends.mkldnn.is_available()
_linear = getattr(torch.ops.mkldnn, "_linear_pointwise", None) if _is_wide else None


def products(
    a: Float[Tensor, "replica row inner"],
    b: Float[Tensor, "replica inner column"],
    into: Float[Tensor, "replica row column"],
) -> Float[Tensor, "replica row column"]:
    """into <- a b, of each replica."""
    if not _is_worth(a[0], b[0]):
        return torch.bmm(a, b, out=into)
    n_rows = max(1, BLOCK // b.shape[2])
    for i in range(len(a)):
        one, left, right = into[i], a[i], b[i]
        for start in range(0, len(left), n_rows):
            rows = slice(start, start + n_rows) if len(left) > n_rows else ...
            one[rows].copy_(_by_onednn(left[rows], right))
    return into


def add_products(
    into: Float[Tensor, "replica row column"],
    a: Float[Tensor, "replica row inner"],
    b: Float[Tensor, "replica inner column"],
) -> Float[Tensor, "replica row column"]:
    """into <- into + a b, of each replica."""
    if not _is_worth(a[0], b[0]):
        return into.baddbmm_(a, b)
    for i in range(len(a)):
        into[i].add_(_by_onednn(a[i], b[i]))
    return into


def _is_worth(a: Tensor, b: Tensor) -> bool:
    at_hand = _linear is not None and a.dtype == torch.float32 and not a.is_cuda
    return at_hand and a.shape[0] * a.shape[1] * b.shape[1] >= WORTH


def _by_onednn(a: Tensor, b: Tensor) -> Tensor:
    assert _linear is not None
    return _linear(a, b.mT, None, "none", [], "")

"""Where floating-point addition loses a term: in sums of exponentials, and in steps of the weights.

a + b equals a where b is at most half a unit in the last place of a. With p bits of significand (float16 11, bfloat16
8, float32 24, float64 53) that is 2^-p beside 1. Source: Prieto et al. 2025, arXiv:2501.04697, definitions 1 and 3.

A sum of many terms depends on the order of addition. Three orders are known here:

    torch       torch.sum over classes, contiguous in memory. On float16 and bfloat16 it adds in float32 and rounds the
                total once (measured on the CPU); on float32 and float64 it adds in lanes, whose number may depend on
                the processor
    sequential  from the largest on, one after another, every partial sum rounded to the dtype
    pairwise    neighbours in the order of the classes, then neighbours of these sums, and so on (a binary tree), every
                partial sum rounded to the dtype
"""

import math
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from grokscope.errors import Missing
from grokscope.registry import unknown

Order = Literal["torch", "sequential", "pairwise"]
# Bits of the significand, the leading one included.
BITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
TOLERANCE = 1e-3  # of a zero-loss margin [nats]


def absorbed(weights: Any, updates: Any) -> float:
    """Share of elements in which w + u == w in the dtype of the weights: the update changes nothing, 1.

    updates: what is added; for gradient descent -eta g, not the gradient. They are first rounded to the dtype of the
    weights, as an optimizer in that dtype has them. An update of 0 counts, as does one that underflows to 0.
    weights, updates: arrays or tensors of one shape. ValueError for other shapes, no elements, weights that are not
    floating-point, values that are not finite.
    Source: Prieto et al. 2025, arXiv:2501.04697, appendix C (the share of weights with w - eta g == w).
    """
    w = _tensor("weights", weights)
    if not w.is_floating_point():
        raise ValueError(f"weights must be floating-point numbers, got {_name(w.dtype)}: the dtype decides the answer")
    u = _tensor("updates", updates).to(w)
    if w.shape != u.shape:
        raise ValueError(f"one update a weight: weights of shape {tuple(w.shape)}, updates of {tuple(u.shape)}")
    return float((w + u == w).double().mean())


def collapse_rate(logits: Any, dtype: Any, order: Order = "torch") -> float | Missing:
    """Share of samples whose sum of exponentials is 1 in a dtype: the softmax collapse, 1.

        share of rows with  sum_k exp(z_k - max z) == 1

    By default as published: logits are cast to the dtype, the maximum of each row is subtracted, exponentials are taken
    and added by torch.sum over classes, every result in that dtype. order: "torch" (this), "sequential" or "pairwise";
    the module says what each rounds.

    Labels do not matter: a sample that is wrong with confidence counts too. Where the largest logit is the right one,
    collapse means a loss of exactly 0 and no gradient of the right class; the wrong classes are still pushed down.

    logits: an array or tensor (sample, class). dtype: float16, bfloat16, float32 or float64, or torch's or numpy's own.
    `Missing` where the largest of a row lies beyond the dtype (float16 ends at 65504). ValueError for another shape, no
    sample or no class, logits that are not finite, an unknown dtype or order.
    Source: Prieto et al. 2025, arXiv:2501.04697, definition 3, and the logger of the released code.
    """
    kind = _dtype(dtype)
    z = _tensor("logits", logits)
    if z.ndim != 2:
        raise ValueError(f"logits must have the shape (sample, class), got {tuple(z.shape)}")
    found, largest = collapsed(z, kind, order)
    return float(found.double().mean()) if largest.isfinite().all() else beyond(kind)


def collapsed(
    logits: Float[Tensor, "sample class"], dtype: Any, order: Order = "torch"
) -> tuple[Bool[Tensor, " sample"], Float[Tensor, " sample"]]:
    """Whether the softmax of each sample has collapsed, as `collapse_rate` has it, and its largest logit in the dtype:
    where that is infinite there is no answer (`beyond`)."""
    z = logits.to(_dtype(dtype))
    largest = z.amax(1, keepdim=True)
    return _total((z - largest).exp_(), order) == 1, largest.squeeze(1)


def may_collapse(lead: Float[Tensor, " sample"], size: Float[Tensor, " sample"], dtype: Any) -> Bool[Tensor, " sample"]:
    """False where the second largest term alone makes the sum of exponentials larger than 1 in a dtype of p bits, in
    any order: exp(-d) > 2^(2 - p), d the lead as the dtype holds it, which is at most 2^(1 - p) size larger.

    lead: of the largest logit over the second. size: the largest absolute logit.
    """
    bits = BITS[_name(_dtype(dtype))]
    return ~(lead + size * 2.0 ** (1 - bits) < (bits - 2) * math.log(2))


def beyond(dtype: Any) -> Missing:
    """Why logits that lie beyond a dtype have no answer."""
    kind = _dtype(dtype)
    return Missing(f"logits lie beyond the largest number of {_name(kind)}, {torch.finfo(kind).max:g}")


def zero_loss_margin(n_classes: int, dtype: Any, order: Order = "torch", *, leader: int = 0) -> float:
    """The smallest lead of one logit over all others, which are equal, at which `collapse_rate` is 1 [nats].

    The lead as the dtype holds it, by bisection to 1e-3 nats or the spacing of the dtype there, whichever is more.
    Two classes: ln 2^p in any order, which is 7.62 in float16, 5.55 in bfloat16, 16.64 in float32 and 36.74 in float64.
    "sequential" stays there for any number of classes, as each term is absorbed alone. A total that is rounded once is
    1 from ln((n_classes - 1) 2^p) on. Other orders lie between: terms are added up before they meet the 1, and how many
    depends on the place of the 1. leader: the index of the leading class.
    """
    kind = _dtype(dtype)
    if not isinstance(n_classes, int) or n_classes < 2:
        raise ValueError(f"n_classes must be a whole number from 2 on, got {n_classes!r}")
    if leader not in range(n_classes):
        raise ValueError(f"leader must lie in 0..{n_classes - 1}, got {leader!r}")
    # One nat beyond the margin of a total that is rounded once, every order has collapsed.
    low, high = 0.0, BITS[_name(kind)] * math.log(2) + math.log(n_classes - 1) + 1
    while high - low > TOLERANCE:
        logits = torch.full((1, n_classes), -(low + high) / 2, dtype=torch.float64)
        logits[0, leader] = 0
        collapsed = collapse_rate(logits, kind, order) == 1
        low, high = (low, (low + high) / 2) if collapsed else ((low + high) / 2, high)
    return float(torch.tensor(high, dtype=torch.float64).to(kind))


def _total(terms: Float[Tensor, "sample class"], order: str) -> Float[Tensor, " sample"]:
    if order not in get_args(Order):
        raise ValueError(unknown("order", order, get_args(Order)))
    if order == "torch":
        # torch's order of addition depends on the strides, which differ in a slice or a transpose.
        return terms.contiguous().sum(1)
    if order == "sequential":
        first, *others = terms.sort(1, descending=True).values.unbind(1)
        for term in others:
            first = first + term
        return first
    while terms.shape[1] > 1:
        terms = torch.nn.functional.pad(terms, (0, terms.shape[1] % 2))
        terms = terms[:, 0::2] + terms[:, 1::2]
    return terms[:, 0]


def _dtype(dtype: Any) -> torch.dtype:
    name = _name(dtype)
    if name not in BITS:
        raise ValueError(unknown("dtype", name, BITS))
    return getattr(torch, name)


def _name(dtype: Any) -> str:
    """float32 for "float32", torch.float32, numpy.float32 and numpy.dtype("float32")."""
    return getattr(dtype, "__name__", str(dtype)).removeprefix("torch.")


def _tensor(name: str, values: Any) -> Tensor:
    """Anybody's array or tensor, with at least one element and finite ones only."""
    if not isinstance(values, Tensor):
        # A copy: torch refuses read-only arrays and negative strides.
        array = np.array(values, order="C")
        if array.dtype.kind not in "fiub":
            raise ValueError(f"{name} must be real numbers, got an array of {array.dtype}")
        values = torch.from_numpy(array)
    tensor = values.detach()
    if tensor.is_complex() or tensor.numel() == 0:
        raise ValueError(f"{name} must be real numbers, at least one; got {_name(tensor.dtype)} {tuple(tensor.shape)}")
    # aminmax gives NaN if there is one, and is many times faster than isfinite of every element.
    if not all(bool(end.isfinite()) for end in tensor.aminmax()):
        raise ValueError(f"{name} must be finite; there are NaN or infinite values among them")
    return tensor

"""How straight a training goes, and how far its samples agree."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.errors import Missing

FLOOR = 1e-5  # added to the variance in the published form


def cosine(one: Float[Tensor, " weight"], other: Float[Tensor, " weight"]) -> float | Missing:
    """<a, b> / (|a| |b|); `Missing` where one of them is zero."""
    a, b = one.double(), other.double()
    if not bool(a.any()) or not bool(b.any()):
        return Missing("a gradient is zero: it has no direction")
    return float((a / a.norm()) @ (b / b.norm()))


def path_ratio(places: Iterable[Float[Tensor, " weight"]]) -> float | Missing:
    """|w_n - w_0| / sum_t |w_t - w_(t-1)|, 1: 1 on a straight line, 0 where it comes back.

    Fewer places make the path shorter, and the ratio larger. `Missing` for fewer than two, and without a move.
    """
    start = before = None
    length, far = 0.0, 0.0
    for place in places:
        now = place.double()
        if start is None or before is None:
            start = before = now
            continue
        length += float((now - before).norm())
        far, before = float((now - start).norm()), now
    if not length:
        return Missing("the weights have not moved")
    return far / length


@dataclass(frozen=True, kw_only=True)
class SignalToNoise:
    """published: the mean over weights of m^2 / (v + 1e-5). ratio: sum m^2 / sum v, free of scale. m and v: mean and
    variance of a weight's gradient over samples."""

    published: float
    ratio: float


def signal_to_noise(gradients: Iterable[Float[Tensor, "sample weight"]]) -> SignalToNoise | Missing:
    """Of gradients sample by sample, in parts. v = mean g^2 - (mean g)^2.

    `Missing` for fewer than two samples, and where all gradients are equal.
    Source: Liu et al. 2020, arXiv:2001.07384, definition 1; the form "published" is that of released code (cockpit).
    """
    n, total, squares = 0, torch.zeros(()), torch.zeros(())
    for part in gradients:
        values = part.double()
        n, total, squares = n + len(values), total + values.sum(0), squares + values.square().sum(0)
    if n < 2:
        return Missing(f"a variance over samples needs two of them, got {n}")
    signal = (total / n).square()
    noise = (squares / n - signal).clamp(min=0)
    if not bool(noise.any()):
        return Missing("all samples have the same gradient")
    return SignalToNoise(published=float((signal / (noise + FLOOR)).mean()), ratio=float(signal.sum() / noise.sum()))

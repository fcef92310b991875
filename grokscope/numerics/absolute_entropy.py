"""Entropy of the absolute values of many numbers."""

import torch
from jaxtyping import Float
from torch import Tensor


def absolute_entropy(values: Float[Tensor, " value"]) -> float:
    """-sum |x_i| ln |x_i|, 0 ln 0 = 0, in float64.

    It is no entropy of a distribution and depends on the scale: for c x it is c times it less c ln(c) |x|_1, that is,
    mostly |x|_1. Source: arXiv:2504.17243, equation of the absolute gradient entropy; the released code adds 1e-8
    within the logarithm, which a literal 0 ln 0 makes unnecessary.
    """
    sizes = values.double().abs()
    return float(-torch.xlogy(sizes, sizes).sum())


def evenness(values: Float[Tensor, " value"]) -> float | None:
    """The entropy of p_i = |x_i| / |x|_1 over ln n, free of scale: 1 where all are alike, 0 where one alone is not 0.
    None for zeros, and for a single number."""
    total = float(values.double().abs().sum())
    if not total or values.numel() < 2:
        return None
    return absolute_entropy(values.double() / total) / float(torch.tensor(values.numel(), dtype=torch.float64).log())

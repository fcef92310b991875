"""Fourier energies of functions of two residues, by frequency."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from grokscope.numerics._points import real
from grokscope.numerics.fourier import basis

Energies = Float64[Tensor, "frequency function"]


def pair_energies(functions: Any, p: int, *, terms: Literal["block", "products"]) -> Energies:
    """Energy of each function of (a, b), all p^2 pairs in lexicographic order, in the terms of k = 1..floor(p/2).

    A term is a product of a wave in a and a wave in b; they are orthonormal. block: {1, cos_k, sin_k} x {1, cos_k,
    sin_k} without (1, 1), 8 terms: all waves in a, in b, in a + b and in a - b. products: {cos_k, sin_k} x {cos_k,
    sin_k}, 4 terms. For k = p/2, which has no sine: 3 and 1.

    Operations for each function: 2 p^3 for the product with the p x p basis along a, and 6 p^2 for the products with 3
    of its rows along b, for every wave in a.

    functions: (pair, function), an array or a tensor of finite real numbers.
    """
    functions = torch.from_numpy(np.require(real(functions, "functions"), requirements=["C", "W"]))
    waves = torch.from_numpy(basis(p))
    along_a = (waves @ functions.reshape(p, -1)).reshape(p, p, -1)
    # For each wave in a but the constant: the three waves of its frequency in b.
    k = (torch.arange(1, p) + 1) // 2
    # At k = p/2 there is no sine: a row of zeros stands for it.
    padded = torch.cat([waves, torch.zeros_like(waves[:1])])
    in_b = padded[torch.stack([torch.zeros_like(k), 2 * k - 1, 2 * k], dim=1)]
    energies = torch.bmm(in_b, along_a[1:]).square()
    if terms == "products":
        return by_frequency(energies[:, 1:].sum(1))
    return by_frequency(energies.sum(1) + (waves[1:] @ along_a[0]).square())


def of_frequencies(functions: Any, p: int, ks: Sequence[int]) -> Float64[Tensor, "pair function"]:
    """The part of functions of (a, b) that is made of some frequencies in each operand, without their mean over pairs.

        P (f - mean f) P,   P: the projector on 1 and cos, sin(2 pi k x / p), k in ks

    All products of these waves are kept, also of two frequencies. functions: as in `pair_energies`. ValueError for a
    frequency outside 1..floor(p/2).
    """
    centred = torch.from_numpy(np.require(real(functions, "functions"), requirements=["C", "W"]))
    centred = centred - centred.mean(0)
    kept = torch.cat([torch.from_numpy(basis(p)[:1]), _waves(p, ks)])
    in_a = kept @ centred.reshape(p, -1)
    both = torch.einsum("jb,ibf->ijf", kept, in_a.reshape(len(kept), p, -1))
    return torch.einsum("ia,jb,ijf->abf", kept, kept, both).reshape(p * p, -1)


def without_frequencies(table: Any, p: int, ks: Sequence[int]) -> Float64[Tensor, "residue function"]:
    """Functions of one residue without their mean and these frequencies, their sum of squares as it was."""
    given = torch.from_numpy(np.require(real(table, "a table"), requirements=["C", "W"]))
    waves = _waves(p, ks)
    left = given - given.mean(0)
    left = left - waves.T @ (waves @ left)
    size = left.square().sum()
    return left * (given.square().sum() / size).sqrt() if size else left


def _waves(p: int, ks: Sequence[int]) -> Float64[Tensor, "wave residue"]:
    if not all(1 <= k <= p // 2 for k in ks):
        raise ValueError(f"frequencies must lie in 1..{p // 2}, got {list(ks)}")
    return torch.from_numpy(basis(p)[[row for k in dict.fromkeys(ks) for row in (2 * k - 1, 2 * k) if row < p]])


def by_frequency(energies: Float64[Tensor, "wave function"]) -> Energies:
    """Energies by frequency, cosine and sine together. energies: of the waves of `fourier.basis` but the constant."""
    k = (torch.arange(len(energies)) + 2) // 2
    return energies.new_zeros(int(k[-1]), energies.shape[1]).index_add_(0, k - 1, energies)

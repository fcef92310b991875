"""How much of each neuron is a wave of one frequency."""

from typing import Literal

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.circuits._groups import Product, product
from grokscope.numerics.fourier import basis
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot

Terms = Literal["block", "products", "sum"]
TERMS = ("block", "products", "sum")
# The share at which the released code of Nanda et al. 2023 calls a neuron one of a frequency.
THRESHOLD = 0.85
# Neurons transformed together: their grids stay near the processor, and so does the memory that holds them.
TOGETHER = 128
# A neuron whose variance is less than this part of its mean square is constant: float32 rounds to 1e-14 of it.
CONSTANT = 1e-12

Shares = Float64[Tensor, "frequency neuron"]


def shares(snapshot: Snapshot, terms: Terms = "block") -> Shares | Missing:
    """Share of each neuron's variance over all p^2 inputs in the terms of each frequency k = 1..floor(p/2).

    Terms, each a product of a wave in a and a wave in b, orthonormal; the neurons are centred over the inputs:
    block: {1, cos_k, sin_k} x {1, cos_k, sin_k} without (1, 1), 8 of them. products: {cos_k, sin_k} x {cos_k, sin_k}.
    sum: cos and sin(2 pi k y / p), y the answer (a + b; in subtraction a - b).
    For k = p/2, which has no sine: 3, 1 and 1. A dead neuron, or a constant one, has share 0 of every frequency.

    Operations: one product with the p x p basis along a, 2 p^3 for each neuron, and one with 3 rows of it along b for
    every wave in a, 6 p^2.
    """
    if terms not in TERMS:
        raise ValueError(unknown("terms", terms, TERMS))
    return snapshot.remembered(("shares of frequencies", terms), lambda: _shares(snapshot, terms))


def clusters(snapshot: Snapshot, threshold: float = THRESHOLD) -> Int[Tensor, " neuron"] | Missing:
    """The frequency of each neuron's largest share (block terms), 0 where that share is not above the threshold."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must lie in [0, 1], got {threshold}")
    found = shares(snapshot)
    if isinstance(found, Missing):
        return found
    best = found.max(0)
    return torch.where(best.values > threshold, best.indices + 1, 0)


def _shares(snapshot: Snapshot, terms: Terms) -> Shares | Missing:
    task = product(snapshot)
    if isinstance(task, Missing):
        return task
    if "mlp_post" not in snapshot.activations:
        return Missing("the network has no neurons")
    waves = torch.from_numpy(basis(task.of.order))
    parts = snapshot.activations["mlp_post"].split(TOGETHER, dim=1)
    return torch.cat([_shares_of(part.double(), task, waves, terms) for part in parts], dim=1)


def _shares_of(neurons: Float64[Tensor, "pair neuron"], task: Product, waves: Tensor, terms: Terms) -> Shares:
    size = neurons.square().sum(0)
    centred = neurons - neurons.mean(0)
    variance = centred.square().sum(0)
    energies = _along_answers(centred, task, waves) if terms == "sum" else _on_grid(centred, waves, terms)
    live = variance > CONSTANT * size
    return torch.where(live, energies / torch.where(live, variance, 1), 0)


def _along_answers(centred: Tensor, task: Product, waves: Tensor) -> Shares:
    """Energies along the waves of the answer. The p inputs of an answer are alike to them: only their sum counts."""
    p = len(waves)
    sums = torch.zeros(p, centred.shape[1], dtype=centred.dtype).index_add_(0, task.answers, centred)
    return of_frequencies((waves[1:] @ sums).square() / p)


def _on_grid(centred: Tensor, waves: Tensor, terms: Terms) -> Shares:
    """Energies of products of waves. Rows: waves in a but the constant; for each, the three of its frequency in b."""
    p = len(waves)
    along_a = (waves @ centred.reshape(p, -1)).reshape(p, p, -1)
    k = (torch.arange(1, p) + 1) // 2
    # Where there is no sine, at k = p/2, a row of zeros stands for it.
    padded = torch.cat([waves, torch.zeros_like(waves[:1])])
    in_b = padded[torch.stack([torch.zeros_like(k), 2 * k - 1, 2 * k], dim=1)]
    energies = torch.bmm(in_b, along_a[1:]).square()
    if terms == "products":
        return of_frequencies(energies[:, 1:].sum(1))
    return of_frequencies(energies.sum(1) + (waves[1:] @ along_a[0]).square())


def of_frequencies(energies: Float64[Tensor, "wave channel"]) -> Float64[Tensor, "frequency channel"]:
    """Energies of the waves of `fourier.basis` after the constant, cosine and sine together."""
    k = (torch.arange(len(energies)) + 2) // 2
    return energies.new_zeros(int(k[-1]), energies.shape[1]).index_add_(0, k - 1, energies)

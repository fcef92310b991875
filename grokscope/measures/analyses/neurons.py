"""The shares of frequencies in each neuron."""

from typing import Literal

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import Product, product
from grokscope.numerics.fourier import basis
from grokscope.numerics.pairs import by_frequency, pair_energies
from grokscope.runs.snapshot import Snapshot

Terms = Literal["block", "products", "sum"]
# The share at which the released code of Nanda et al. 2023 calls a neuron one of a frequency.
THRESHOLD = 0.85
# Neurons transformed together: their grids stay in the cache, and the memory stays small.
TOGETHER = 128
# A neuron whose variance is less than this part of its mean square is constant: float32 rounds to 1e-14 of it.
CONSTANT = 1e-12

Shares = Float64[Tensor, "frequency neuron"]


def shares(snapshot: Snapshot, terms: Terms = "block") -> Shares | Missing:
    """Share of each neuron's variance over all p^2 inputs in the terms of each frequency k = 1..floor(p/2).

    Terms: block and products, those of `numerics.pairs.pair_energies`, with the neurons centred over the inputs; sum:
    cos and sin(2 pi k y / p), y the answer (a + b; in subtraction a - b), for k = p/2 the cosine alone. A dead or
    constant neuron has share 0 at every frequency.
    """
    return snapshot.remembered(("shares of frequencies", terms), lambda: _shares(snapshot, terms))


def clusters(snapshot: Snapshot, threshold: float = THRESHOLD) -> Int[Tensor, " neuron"] | Missing:
    """The frequency of each neuron's largest share (block terms); 0 where this share is not above the threshold."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must lie in [0, 1], got {threshold}")
    by_frequency = shares(snapshot)
    if isinstance(by_frequency, Missing):
        return by_frequency
    best = by_frequency.max(0)
    return torch.where(best.values > threshold, best.indices + 1, 0)


def _shares(snapshot: Snapshot, terms: Terms) -> Shares | Missing:
    task = product(snapshot)
    if isinstance(task, Missing):
        return task
    if "mlp_post" not in snapshot.activations:
        return Missing("the network has no neurons")
    if not bool(snapshot.activations["mlp_post"].isfinite().all()):
        return Missing(f"the neurons at step {snapshot.step} are not finite")
    parts = snapshot.activations["mlp_post"].split(TOGETHER, dim=1)
    return torch.cat([_shares_of(part.double(), task, terms) for part in parts], dim=1)


def _shares_of(neurons: Float64[Tensor, "pair neuron"], task: Product, terms: Terms) -> Shares:
    size = neurons.square().sum(0)
    centred = neurons - neurons.mean(0)
    variance = centred.square().sum(0)
    energies = _along_answers(centred, task) if terms == "sum" else pair_energies(centred, task.of.order, terms=terms)
    live = variance > CONSTANT * size
    return torch.where(live, energies / torch.where(live, variance, 1), 0)


def _along_answers(centred: Tensor, task: Product) -> Shares:
    """Energies along the waves of the answer, which see only the sum over the p inputs of each answer."""
    p = task.of.order
    return by_frequency((torch.from_numpy(basis(p))[1:] @ task.summed(centred)).square() / p)

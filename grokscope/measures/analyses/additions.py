"""The addition behind a task, as samples of the effective theory: unordered pairs of symbols and right answers."""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import product
from grokscope.numerics.parallelograms import Samples, products, sums
from grokscope.runs.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True, eq=False)
class Addition:
    """D0, which samples are trained on (in either order of the operands), and the table of symbols, in float64."""

    samples: Samples
    trained: Bool[np.ndarray, " sample"]
    table: Float[np.ndarray, "symbol channel"]


def addition(snapshot: Snapshot) -> Addition | Missing:
    """`Missing` for a task that is no addition (i + j, or the product of a commutative group) and for two tables."""
    return snapshot.remembered("addition", lambda: _addition(snapshot))


def _addition(snapshot: Snapshot) -> Addition | Missing:
    task = snapshot.task
    if "embed_right" in snapshot.activations:
        return Missing("the network has a table for each operand: parallelograms are of one table")
    samples = _samples(snapshot)
    if isinstance(samples, Missing):
        return samples
    n = task.n_symbols
    seen = np.zeros((n, n), dtype=bool)
    left, right = task.inputs[snapshot.train_mask].numpy().T
    seen[np.minimum(left, right), np.maximum(left, right)] = True
    table = snapshot.activations["embed"].detach().double().numpy()
    return Addition(samples=samples, trained=seen[tuple(samples.pairs.T)], table=table)


def _samples(snapshot: Snapshot) -> Samples | Missing:
    task = snapshot.task
    # Labels may be noisy, but most are right. Answers without a modulus lie on a segment.
    if task.truth.manifold == "segment" and (task.inputs.sum(dim=1) == task.labels).double().mean() > 0.5:
        return _sums(task.n_symbols)
    answer = product(snapshot)
    if isinstance(answer, Missing):
        return Missing(f"the task is no addition of symbols: {answer.reason}")
    if not answer.of.is_commutative:
        return Missing(f"{answer.of.name} does not commute: its product is no addition")
    if not torch.equal(answer.reading, torch.arange(answer.of.order)):
        return Missing("the task takes a difference of its operands: it is no addition")
    return _products(answer.of.name)


# Every checkpoint has the same samples and parallelograms: 180,348 at p = 113.
_sums = functools.lru_cache(maxsize=4)(sums)
_products = functools.lru_cache(maxsize=4)(products)

"""Shared by the restricted and the excluded loss of irreps."""

from collections.abc import Sequence

import torch

from grokscope.errors import Missing
from grokscope.losses import cross_entropy
from grokscope.measures.analyses.groups import Product, bases, product
from grokscope.measures.analyses.layers import means, readout
from grokscope.measures.circuits.key_irreps import key_irreps
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot


def loss_along(
    snapshot: Snapshot, irreps: Sequence[str] | None, *, keep: bool, skip: bool, split: str
) -> float | Missing:
    """Cross-entropy of the logits with only (keep) or without the neurons' part along rho(a b) of the key irreps."""
    task = product(snapshot)
    if isinstance(task, Missing):
        return task
    names = _chosen(snapshot, task, irreps)
    if isinstance(names, Missing):
        return names
    to_logits = readout(snapshot)
    # Functions of the answer see only the neurons' mean over the inputs of each answer.
    basis = torch.cat([bases(task.of)[name] for name in names], dim=1)
    neurons = means(snapshot, task, "mlp_post")
    along = basis @ (basis.T @ (neurons.product + neurons.mean) @ to_logits)
    rows = snapshot.rows(split)
    if isinstance(rows, Missing):
        return rows
    # With the neurons' part (whole) and its projection (along): along, or whole - along. With the rest of the logits
    # (skip): along + all - whole, or all - along.
    logits = along[task.answers[rows]] * (1 if keep else -1)
    if skip:
        logits += snapshot.logits[rows]
    if keep == skip:
        activations = snapshot.activations["mlp_post"][rows]
        logits += (activations @ to_logits.to(activations.dtype)) * (-1 if keep else 1)
    losses = torch.zeros(snapshot.task.n_inputs, dtype=torch.float64)
    losses[rows] = cross_entropy(logits, snapshot.labels[rows], reduction="none")
    return snapshot.mean(losses, split)


def _chosen(snapshot: Snapshot, task: Product, irreps: Sequence[str] | None) -> list[str] | Missing:
    """The given irreps, each once, or by default the key irreps of the run's last checkpoint."""
    if irreps is None:
        keys = key_irreps(snapshot.final)
        if isinstance(keys, Missing):
            return keys
        return list(keys) or Missing("the last checkpoint has no key irrep")
    if not irreps or isinstance(irreps, str):
        raise ValueError(f"irreps must be a list of one or more names, got {irreps!r}")
    known = bases(task.of)
    for name in irreps:
        if name not in known:
            raise ValueError(unknown("irrep", name, known))
    return list(dict.fromkeys(irreps))

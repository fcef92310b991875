"""Measures packs while they train."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from grokscope.measures.analyses.checkpoints import taken
from grokscope.measures.base import measures
from grokscope.models.base import of_replicas
from grokscope.runs.plugged import as_trained
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.snapshots import Snapshots
from grokscope.runs.store.journal import Measured
from grokscope.training.pack import Pack

# Weights and outputs of the networks that are measured at once: 8 MB in float64 stay in the cache.
AT_ONCE = 1 << 20


def observer(pack: Pack, ids: Sequence[str]) -> Callable[[Pack], list[Measured]]:
    """A function that measures all cheap quantities of the pack as it stands. ids: of its runs. To be made before the
    first step: the weights are the initial ones, which follow from the configs alone."""
    cheap = [measure for measure in measures().values() if measure.cost == "cheap"]
    first = {name: tensor.detach().cpu().clone() for name, tensor in pack.tensors.items()}
    parts = [(part, Snapshots([_snapshot(pack, replica, first) for replica in part])) for part in alike(pack)]

    def observe(pack: Pack) -> list[Measured]:
        outputs, now = pack.outputs(), {name: tensor.cpu() for name, tensor in pack.tensors.items()}
        before = None if pack.before is None else {name: tensor.cpu() for name, tensor in pack.before.items()}
        rows = []
        for part, start in parts:
            here = _range(part)
            last = None if before is None else of_replicas(before, here)
            snapshots = start.later(pack.step, of_replicas(now, here), outputs[here], last)
            living: list[int] = pack.alive[here].nonzero().flatten().tolist()
            if living:
                there = [ids[part[i]] for i in living]
                rows.extend(taken(there, pack.step, cheap, snapshots.take(living)))
        return rows

    return observe


def alike(pack: Pack) -> Iterator[list[int]]:
    """Replicas whose tasks have the same group, as many as stay in the cache together."""
    by_group: dict[str | None, list[int]] = {}
    for replica, task in enumerate(pack.tasks):
        by_group.setdefault(task.truth.group, []).append(replica)
    weights = sum(tensor[0].numel() for tensor in pack.tensors.values())
    at_once = max(1, AT_ONCE // (weights + pack.tasks[0].n_inputs * pack.tasks[0].n_outputs))
    for replicas in by_group.values():
        yield from (replicas[start : start + at_once] for start in range(0, len(replicas), at_once))


def _snapshot(pack: Pack, replica: int, tensors: Mapping[str, Tensor]) -> Snapshot:
    return Snapshot(
        task=pack.tasks[replica],
        model=pack.models[replica],
        params=of_replicas(tensors, replica),
        train_mask=pack.train_masks[replica],
        **as_trained(pack.configs[replica]),
    )


def _range(replicas: list[int]) -> slice | Tensor:
    """Neighbours as a slice, which copies nothing."""
    first, last = replicas[0], replicas[-1]
    return slice(first, last + 1) if len(replicas) == last + 1 - first else torch.tensor(replicas)

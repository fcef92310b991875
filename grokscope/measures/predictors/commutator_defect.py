"""Whether two gradient steps on two halves of the data give the same weights in either order."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from grokscope.errors import Missing, of_all
from grokscope.measures.analyses.curvature import curvature
from grokscope.measures.analyses.gradients import flat, gradient
from grokscope.measures.analyses.vectors import unflattened
from grokscope.measures.base import measure
from grokscope.numerics.commutator import Commutator, Slope, commutator, of_steps
from grokscope.numerics.curvature import Curvature
from grokscope.runs.snapshot import Snapshot

Form = Literal["limit", "steps"]


@measure(
    unit="1",
    source="arXiv:2602.16746, released code cbc1078 (there: 9 draws of 512 samples, steps of 1e-3)",
    cost="asked",
    axis="of",
)
def commutator_defect(
    snapshot: Snapshot,
    *,
    form: Form = "limit",
    batch: int | None = None,
    draws: int = 3,
    rate: float = 1e-3,
    seed: int = 0,
) -> dict[str, float] | Missing:
    """Of two parts A and B of the training data, their mean losses' gradients g and Hessians H, the medians over draws:

        numerator = |H_B g_A - H_A g_B|,   defect = numerator / (|g_A| |g_B|),   gradient = sqrt(|g_A| |g_B|)
        scale_free = numerator / (|H_B g_A| + |H_A g_B|), in [0, 1]

    The defect is curvature over gradient: it rises wherever gradients die, whatever comes next, so its parts stand
    beside it. form "steps": two steps of gradient descent of `rate`, in either order, as published; "limit": what it
    tends to. In a ReLU network a step that carries neurons over their kinks adds jumps: at a rate of 0.01 they made a
    small network's defect six times the limit. batch: samples of A and of B, drawn apart; None: the two halves of the
    training data. It depends on them. `Missing` where a batch is more than half of the data, as A and B would share
    samples. All in float64, without decay and without an optimizer's state.
    """
    n_train = int(snapshot.train_mask.sum())
    size = n_train // 2 if batch is None else batch
    if draws < 1 or size < 1:
        raise ValueError(f"draws = {draws}, batch = {batch}: expected at least 1 of each")
    if 2 * size > n_train:
        return Missing(f"two batches of {size} of {n_train} training inputs share some: there is no A beside B")
    generator = torch.Generator().manual_seed(seed)
    return of_all(_medians, *(_draw(snapshot.precise, size, form, rate, generator) for _ in range(draws)))


def _medians(*found: Commutator) -> dict[str, float]:
    return {name: float(np.median([getattr(one, name) for one in found])) for name in vars(found[0])}


def _draw(snapshot: Snapshot, size: int, form: Form, rate: float, generator: torch.Generator) -> Commutator | Missing:
    rows = snapshot.train_mask.nonzero().flatten()
    order = rows[torch.randperm(len(rows), generator=generator)]
    a, b = (_of(snapshot, part) for part in (order[:size], order[size : 2 * size]))
    if form == "limit":
        return _limit(a, b)
    try:
        return of_steps(_slope(a), _slope(b), flat(snapshot.params), rate)
    except ArithmeticError as error:
        return Missing(str(error))


def _of(snapshot: Snapshot, rows: Tensor) -> Snapshot:
    mask = torch.zeros_like(snapshot.train_mask)
    mask[rows] = True
    return snapshot.replace(train_mask=mask)


def _limit(a: Snapshot, b: Snapshot) -> Commutator | Missing:
    return of_all(_of_parts, gradient(a), gradient(b), curvature(a), curvature(b))


def _of_parts(of_a: dict[str, Tensor], of_b: dict[str, Tensor], bend_a: Curvature, bend_b: Curvature) -> Commutator:
    first, second = flat(of_a), flat(of_b)
    bent_first, bent_second = bend_b.product(first.numpy()), bend_a.product(second.numpy())
    return commutator(first, second, torch.from_numpy(bent_first), torch.from_numpy(bent_second))


def _slope(of: Snapshot) -> Slope:
    """The gradient as a function of all weights; ArithmeticError where it is not finite."""
    shapes = {name: tensor.shape for name, tensor in of.params.items()}

    def slope(weights: Tensor) -> Tensor:
        found = gradient(of.with_params(unflattened(weights, shapes)))
        if isinstance(found, Missing):
            raise ArithmeticError(found.reason)
        return flat(found)

    return slope

"""How much of the neighbourhood of the weights does as well."""

from collections.abc import Callable

import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.numerics import langevin
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Lau et al. 2023, arXiv:2308.12108, equations 13 to 15",
    cost="asked",
    axis="of",
)
def local_learning_coefficient(
    snapshot: Snapshot,
    *,
    step: float = 1e-5,
    localisation: float = 100.0,
    n_beta: float | None = None,
    chains: int = 2,
    draws: int = 100,
    burn_in: int = 50,
    seed: int = 0,
) -> dict[str, float] | Missing:
    """lambda = n beta (E[L] - L(w)), n beta = n / ln n, of the mean training loss L of the n training inputs, without
    decay; E over Langevin draws that `localisation` keeps near the weights w.

    value, spread: mean and standard deviation over chains; distance: of the draws from w; drift: of the second half of
    the draws over the first. Values move by orders of magnitude with step and localisation: compare shapes in one
    setting, and try several. Negative: w is no minimum. In float64, on all training inputs, so the only noise is the
    sampler's. `numerics.langevin` has the equations.
    """
    rows = snapshot.rows("train")
    if isinstance(rows, Missing):
        return rows
    weights = torch.cat([tensor.flatten() for tensor in snapshot.precise.params.values()])
    found = langevin.local_learning_coefficient(
        _slopes(snapshot, rows),
        weights,
        n=int(rows.sum()),
        step=step,
        localisation=localisation,
        n_beta=n_beta,
        n_chains=chains,
        n_draws=draws,
        burn_in=burn_in,
        seed=seed,
    )
    if isinstance(found, Missing):
        return found
    return {name: getattr(found, name) for name in ("value", "spread", "distance", "drift")}


def _slopes(snapshot: Snapshot, rows: Tensor) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    shapes = {name: tensor.shape for name, tensor in snapshot.params.items()}
    function, targets = snapshot.precise.function(rows), snapshot.task.targets[rows]

    def of_one(weights: Tensor) -> tuple[Tensor, Tensor]:
        leaf = weights.detach().requires_grad_()
        parts = leaf.split([shape.numel() for shape in shapes.values()])
        params = {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
        loss = snapshot.loss(function(params), targets)
        return loss.detach().double(), torch.autograd.grad(loss, leaf)[0]

    def slopes(chains: Tensor) -> tuple[Tensor, Tensor]:
        losses, gradients = zip(*map(of_one, chains), strict=True)
        return torch.stack(losses), torch.stack(gradients)

    return slopes

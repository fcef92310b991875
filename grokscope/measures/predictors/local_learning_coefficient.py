"""How much of the neighbourhood of the weights does as well."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.gradients import flat, of_networks
from grokscope.measures.analyses.vectors import unflattened
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
    localisation: float = 1e4,
    n_beta: float | None = None,
    chains: int = 2,
    draws: int = 80,
    burn_in: int = 60,
    seed: int = 0,
) -> dict[str, float] | Missing:
    """lambda = n beta (E[L] - L(w)), n beta = n / ln n, of the mean training loss L of the n training inputs, without
    decay; E over Langevin draws that `localisation` keeps near the weights w.

    value, spread: mean and standard deviation over chains; distance: of the draws from w; drift: of the second half of
    the draws over the first. Values move by orders of magnitude with step and localisation: compare shapes in one
    setting, and try several. Negative: w is no minimum. In float64, on all training inputs, so the only noise is the
    sampler's. `numerics.langevin` has the equations.
    """
    at = of_networks(snapshot, chains)
    if isinstance(at, Missing):
        return at
    found = langevin.local_learning_coefficient(
        _flat(at, {name: tensor.shape for name, tensor in snapshot.params.items()}),
        flat(snapshot.precise.params),
        n=int(snapshot.train_mask.sum()),
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


def _flat(at: Callable[..., tuple[Tensor, dict[str, Tensor]]], shapes: Mapping[str, torch.Size]) -> langevin.Slopes:
    """The same of weights as one vector a chain."""

    def slopes(chains: Tensor) -> tuple[Tensor, Tensor]:
        losses, gradients = at(unflattened(chains, shapes))
        return losses, torch.cat([gradients[name].flatten(1) for name in shapes], dim=1)

    return slopes

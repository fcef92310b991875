"""The local learning coefficient: how much of the weights' neighbourhood has nearly the same loss."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from grokscope.errors import Missing

Chains = Float64[Tensor, "chain weight"]
# The loss of each chain's weights, and its gradient.
Slopes = Callable[[Chains], tuple[Float64[Tensor, " chain"], Chains]]


@dataclass(frozen=True, kw_only=True)
class Learning:
    """value: mean over chains. spread: standard deviation over chains (0 of one). by_chain: of each. distance: root
    mean square of |w - w*| over draws. drift: of the second half of draws over the first half, of value: far from 1,
    the chains have not settled."""

    value: float
    spread: float
    by_chain: tuple[float, ...]
    distance: float
    drift: float


def local_learning_coefficient(
    slopes: Slopes,
    weights: Float64[Tensor, " weight"],
    *,
    n: int,
    step: float,
    localisation: float,
    n_beta: float | None = None,
    n_chains: int = 4,
    n_draws: int = 500,
    burn_in: int = 200,
    within: float | None = None,
    seed: int = 0,
) -> Learning | Missing:
    """lambda = n beta (E[L(w)] - L(w*)), E over Langevin draws around w*.

        w <- w - (step / 2) [n beta dL/dw + localisation (w - w*)] + sqrt(step) N(0, 1)

    slopes: L, the mean loss over all n samples, and its gradient. n_beta: n / ln n if None. burn_in: draws that are not
    counted. within: no weight moves farther than this; draws beyond are reflected. In a regular minimum with d weights
    lambda is d / 2 as localisation and step go to 0. A negative value says that w* is no minimum. `Missing` where the
    draws run away: the step is too large.

    Source: Lau et al. 2023, arXiv:2308.12108, equations 13 to 15; full batch, so that no noise of batches is added.
    """
    if n < 2 or step <= 0 or localisation < 0 or n_chains < 1 or n_draws < 2 or burn_in < 0:
        raise ValueError(
            f"n = {n}, step = {step}, localisation = {localisation}, n_chains = {n_chains}, n_draws = {n_draws}, "
            f"burn_in = {burn_in}: expected at least 2, above 0, at least 0, 1, 2 and 0"
        )
    heat = n / math.log(n) if n_beta is None else n_beta
    generator = torch.Generator().manual_seed(seed)
    here = weights.double().expand(n_chains, -1).clone()
    start, (at_start, slope) = here.clone(), slopes(here)
    losses, distances = torch.empty(n_draws, n_chains, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for draw in range(-burn_in, n_draws):
        noise = torch.randn(here.shape, generator=generator, dtype=torch.float64)
        here = here - (step / 2) * (heat * slope + localisation * (here - start)) + step**0.5 * noise
        if within is not None:
            here = start + _reflected(here - start, within)
        loss, slope = slopes(here)
        if not bool(loss.isfinite().all()):
            return Missing(f"the draws run away with a step of {step:g}: try a smaller one")
        if draw >= 0:
            losses[draw] = loss
            distances += (here - start).square().sum(1).mean()
    excess = heat * (losses - at_start)
    by_chain = excess.mean(0)
    halves = [float(part.mean()) for part in excess.tensor_split(2)]
    return Learning(
        value=float(by_chain.mean()),
        spread=float(by_chain.std()) if n_chains > 1 else 0.0,
        by_chain=tuple(by_chain.tolist()),
        distance=math.sqrt(float(distances) / n_draws),
        drift=halves[1] / halves[0] if halves[0] else 1.0,
    )


def _reflected(moved: Chains, within: float) -> Chains:
    """Back into the box, as light from mirrors."""
    folded = (moved + within).remainder(4 * within)
    return torch.where(folded > 2 * within, 4 * within - folded, folded) - within

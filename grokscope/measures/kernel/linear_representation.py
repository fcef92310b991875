"""Whether the middle of the network is still a linear function of its inputs."""

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot

# Eigenvalues of the inputs' Gram matrix below this share of the largest are rounding. The one-hots of every operand add
# up to 1, so each operand but one brings a direction without variance.
RANK = 1e-10


@measure(unit="1", source="Kumar et al. 2024, arXiv:2310.06110, section 5", cost="final")
def linear_representation(snapshot: Snapshot, site: str = "mlp_post") -> float | Missing:
    """R^2 = 1 - sum |a - x A|^2 / sum |a - mean a|^2 on test inputs, of the best linear map A on the training inputs.

    x: the concatenated one-hots of the operands, or the features, with a constant; a: activations at a site. 1: the
    network only adds up a part from each operand. Below 0: the map is worse than the mean. Least squares of least norm,
    in closed form. `Missing` where the activations on test inputs are all equal, or the network lacks the site.
    """
    if site not in snapshot.activations:
        return Missing(unknown("site", site, snapshot.activations))
    activations = snapshot.activations[site].detach().double().flatten(1).numpy()
    if len(activations) != snapshot.task.n_inputs:
        raise ValueError(f"site {site!r} is a table of {len(activations)} symbols: name one with activations on inputs")
    train, test = snapshot.rows("train"), snapshot.rows("test")
    if isinstance(train, Missing):
        return train
    if isinstance(test, Missing):
        return test
    x = _design(snapshot.task.inputs, snapshot.task.n_symbols)
    seen, held_out = x[train.numpy()], x[test.numpy()]
    values, vectors = np.linalg.eigh(seen.T @ seen)
    inverse = np.where(values > RANK * values[-1], 1 / np.maximum(values, RANK * values[-1]), 0)
    linear = vectors @ ((vectors.T @ (seen.T @ activations[train.numpy()])) * inverse[:, None])
    a = activations[test.numpy()]
    spread = float(((a - a.mean(0)) ** 2).sum())
    if spread <= 1e-24 * float((a**2).sum()):
        return Missing(f"the activations at {site} are the same for all test inputs")
    return 1 - float(((a - held_out @ linear) ** 2).sum()) / spread


def _design(inputs: Tensor, n_symbols: int) -> Float64[np.ndarray, "pair feature"]:
    """One-hots, or features, and a constant."""
    x = torch.nn.functional.one_hot(inputs, n_symbols).flatten(1) if n_symbols else inputs
    return np.hstack([x.double().numpy(), np.ones((len(x), 1))])

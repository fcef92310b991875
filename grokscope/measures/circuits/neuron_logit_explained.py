"""How well the directions that the logits read from the neurons are waves of the key frequencies."""

from collections.abc import Sequence

import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.cyclic import chosen
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.layers import readout
from grokscope.measures.analyses.neurons import CONSTANT
from grokscope.measures.base import measure
from grokscope.numerics.fourier import sum_directions
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 4.2 and table 1",
    cost="final",
    needs=("cyclic", "mlp"),
    axis="direction",
)
def neuron_logit_explained(snapshot: Snapshot, frequencies: Sequence[int] | None = None) -> dict[str, float] | Missing:
    """Share of the variance of u_k . MLP(a, b) explained by cos(2 pi k (a + b) / p), and of v_k . MLP(a, b) by the
    sine, by direction: cos_k, sin_k for each key frequency k.

        W_L = W_out W_U = sum_k cos(2 pi k c / p) u_k^T + sin(2 pi k c / p) v_k^T,   u_k, v_k over the neurons

    MLP(a, b): the neurons over all p^2 inputs, trained or not, after the activation function. Each projection is
    centred over the inputs; the share is the squared correlation. In subtraction a - b stands for a + b. Directions
    along which the neurons do not vary, such as u_k = 0, are left out.

    frequencies: k; by default the key frequencies of the run's last checkpoint.
    """
    keys, task = chosen(snapshot, frequencies), product(snapshot)
    if isinstance(task, Missing):
        return task
    if isinstance(keys, Missing):
        return keys
    p = task.of.order
    of_logits, of_inputs = (torch.from_numpy(sum_directions(x, p, keys)) for x in (range(p), task.answers))
    W_L = readout(snapshot).T
    directions = W_L.T @ of_logits
    read = snapshot.activations["mlp_post"].double() @ directions
    centred = read - read.mean(0)
    variance = centred.square().sum(0)
    explained = (of_inputs * centred).sum(0).square() / variance
    # A direction that W_L lacks keeps some 1e-32 of its energy by rounding.
    live = (variance > CONSTANT * read.square().sum(0)) & (directions.square().sum(0) > 1e-24 * W_L.square().sum())
    names = [f"{wave}_{k}" for k in keys for wave in ("cos", "sin")[: 1 + (2 * k != p)]]
    shares = {name: float(share) for name, share, varies in zip(names, explained, live, strict=True) if varies}
    return shares or Missing("the neurons do not vary along any direction of these frequencies")

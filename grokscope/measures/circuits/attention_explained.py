"""Whether attention is a wave of one frequency."""

from typing import Literal

import torch
from numpy.typing import NDArray

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.neurons import CONSTANT
from grokscope.measures.base import measure
from grokscope.numerics.fourier import basis
from grokscope.numerics.pairs import by_frequency
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot

QUANTITIES = ("share", "frequency")


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 4.1 and table 2",
    cost="heavy",
    needs=("cyclic", "pattern"),
    axis="head",
)
def attention_explained(snapshot: Snapshot, quantity: Literal["share", "frequency"] = "share") -> NDArray | Missing:
    """R^2 of the fit of each head's attention from the last position to a by waves of one frequency, its best one.

        A(a, b) ~ c + alpha (cos w a - cos w b) + beta (sin w a - sin w b),   R^2 = 1 - SS_res / SS_tot

    over all p^2 inputs, trained or not; w = 2 pi k / p; SS_tot is the variance of A, and c, 1/2 in the paper, its mean.
    Least squares over alpha, beta and k = 1..floor(p/2), so that A of independent noise has an R^2 of some 10 / p^2. An
    attention rate scales and shifts A, which changes nothing. A head whose attention does not depend on its inputs has
    0.

    quantity: "frequency" gives the best k of each head instead (0 where there is none).
    """
    if quantity not in QUANTITIES:
        raise ValueError(unknown("quantity", quantity, QUANTITIES))
    task = product(snapshot)
    if isinstance(task, Missing):
        return task
    p = task.of.order
    attention = snapshot.activations["pattern"][..., 0].double()
    centred = (attention - attention.mean(0)).reshape(p, p, -1)
    variance = centred.square().sum((0, 1))
    # The fit is the projection on (wave in a - wave in b) / sqrt(2), the other operand constant: two means tell it all.
    difference = (centred.sum(1) - centred.sum(0)) / (2 * p) ** 0.5
    energies = by_frequency((torch.from_numpy(basis(p))[1:] @ difference).square())
    live = variance > CONSTANT * attention.square().sum(0)
    if not live.any():
        return Missing("attention does not depend on the inputs")
    best = energies.max(0)
    if quantity == "frequency":
        return torch.where(live, best.indices + 1, 0).numpy()
    return torch.where(live, best.values / torch.where(live, variance, 1), 0).numpy()

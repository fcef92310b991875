"""How well a wave of one frequency explains the attention."""

from typing import Literal

import torch
from numpy.typing import NDArray

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.neurons import CONSTANT
from grokscope.measures.base import measure
from grokscope.numerics.fourier import basis
from grokscope.numerics.pairs import by_frequency
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 4.1 and table 2",
    cost="final",
    needs=("cyclic", "pattern"),
    axis="head",
)
def attention_explained(snapshot: Snapshot, quantity: Literal["share", "frequency"] = "share") -> NDArray | Missing:
    """R^2 of the fit of each head's attention, from the last position to a, by waves of its best frequency.

        A(a, b) ~ c + alpha (cos w a - cos w b) + beta (sin w a - sin w b),   R^2 = 1 - SS_res / SS_tot

    over all p^2 inputs, trained or not; w = 2 pi k / p; SS_tot is the variance of A, and c its mean (1/2 in the paper).
    The fit is by least squares over alpha, beta and k = 1..floor(p/2): independent noise has an R^2 of some 10 / p^2.
    An attention rate only scales and shifts A, which does not change R^2. A head whose attention does not depend on the
    inputs has 0.

    quantity: "frequency" gives the best k of each head instead (0 where there is none).
    """
    task = product(snapshot)
    if isinstance(task, Missing):
        return task
    p = task.of.order
    attention = snapshot.activations["pattern"][..., 0].double()
    centred = (attention - attention.mean(0)).reshape(p, p, -1)
    variance = centred.square().sum((0, 1))
    # The fit projects on (wave in a - wave in b) / sqrt(2), constant in the other operand: two means are enough.
    difference = (centred.sum(1) - centred.sum(0)) / (2 * p) ** 0.5
    energies = by_frequency((torch.from_numpy(basis(p))[1:] @ difference).square())
    live = variance > CONSTANT * attention.square().sum(0)
    if not live.any():
        return Missing("attention does not depend on the inputs")
    best = energies.max(0)
    if quantity == "frequency":
        return torch.where(live, best.indices + 1, 0).numpy()
    return torch.where(live, best.values / torch.where(live, variance, 1), 0).numpy()

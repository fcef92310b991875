"""Whether a neuron's phases add up: f1 + f2 = f3."""

from typing import Literal

import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.layers import operand_tables, readout
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Gromov 2023, arXiv:2301.02679 (phases of the found and of the analytic solution)",
    cost="final",
    needs=("cyclic", "mlp"),
)
def phase_relation(snapshot: Snapshot, about: Literal["any", "zero"] = "any") -> float | Missing:
    """Whether f1 + f2 - f3 is the same angle in all neurons: |mean_i exp(i (f1_i + f2_i - f3_i))|, 0 to 1.

    A neuron reads a as cos(2 pi k a / p + f1) and b as cos(2 pi k b / p + f2), and writes cos(2 pi k c / p + f3) to the
    logits; k in 1..floor(p/2) is the frequency with most power in the three tables together, each of norm 1. The
    closed-form solution has f3 = f1 + f2 and the value 1; N neurons with random phases have about 0.9 / sqrt(N).
    about: `zero` gives mean_i cos(f1_i + f2_i - f3_i), -1 to 1. It tells f3 = f1 + f2 from f3 = f1 + f2 + pi, and a
    relabelling of the residues by a unit does not change it (k and -k are one frequency with opposite phases).

    The tables are those of `inverse_participation_ratio`, and W_out or W_out W_U. Neurons that lack one of the three
    waves at their frequency are left out; `Missing` if all do.
    """
    if "W_hidden" in snapshot.params:
        return Missing("the neurons that read the operands are not those that write to the logits")
    task = product(snapshot)
    if isinstance(task, Missing):
        return task
    tables, to_logits = operand_tables(snapshot, task), readout(snapshot)
    if isinstance(tables, Missing):
        return tables
    # A neuron writes through the bottleneck behind it, if any.
    neck = snapshot.model.squeeze(snapshot.params, "mlp_post", torch.eye(len(to_logits)).to(snapshot.params["W_out"]))
    waves = torch.stack([torch.fft.rfft(table, dim=0)[1:] for table in (*tables, (neck.double() @ to_logits).T)])
    norms = waves.abs().square().sum(1, keepdim=True).sqrt()
    # A table this small beside those of the other neurons is rounding; set to 0, it is left out below.
    waves = waves / torch.where(norms > 1e-12 * norms.amax(2, keepdim=True), norms, torch.inf)
    dominant = waves.abs().square().sum(0).argmax(0)
    u, v, w = waves[:, dominant, torch.arange(len(dominant))]
    # An absent wave keeps some 1e-16 by rounding; its phase means nothing.
    live = torch.stack([u, v, w]).abs().amin(0) > 1e-9
    if not live.any():
        return Missing("no neuron reads both operands and writes to the logits at one frequency")
    mean = torch.exp(1j * (u * v * w.conj())[live].angle()).mean()
    return float(mean.real if about == "zero" else mean.abs())

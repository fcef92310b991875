"""How few frequencies a neuron reads."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.layers import operand_tables
from grokscope.measures.base import measure
from grokscope.numerics.fourier import basis
from grokscope.runs.snapshot import Snapshot

Convention = Literal["rfft_one", "rfft_both", "real_one", "real_both", "complex_one", "complex_both"]


@measure(
    unit="1",
    source="Gromov 2023, arXiv:2301.02679; Doshi et al. 2023, arXiv:2310.13061, released code (rfft_one)",
    cost="final",
    needs=("cyclic",),
    variants=({"convention": "rfft_one"},),
)
def inverse_participation_ratio(
    snapshot: Snapshot, convention: Convention = "rfft_one", r: float = 2
) -> float | Missing:
    """Mean over the neurons of sum_nu |w_nu|^(2 r), w the transform of a neuron's first-layer row divided by its norm.

    A row has two halves, one for each operand, transformed along their p residues (the constant is a component too).
    convention, with the value at r = 2 for neurons with one frequency k > 0 each and random phases:

        rfft_one      1       frequencies 0..floor(p/2); each half separately, then the mean over halves and neurons
        rfft_both     1/2     the same, both halves as one vector
        complex_both  1/4     k and -k count apart
        complex_one   1/2
        real_both     3/8     cosine and sine count apart (expectation over phases), `fourier.basis`
        real_one      3/4

    If the frequencies of the closed form cycle over all of 0..p-1, the neurons of k = 0 raise complex_both to .254 and
    rfft_both to .501 at p = 97. Gaussian weights give about 2 / (2 p) for complex_both and 3 / (2 p) for real_both.

    The rows are those of `W_in`, or of embeddings times `W_in`; with attention, the part of a neuron's pre-activation
    that is additive in the operands, less its mean. Neurons (or halves) that are 0 are left out; `Missing` if all are.
    """
    if not r > 1:
        raise ValueError(f"r must be above 1 (at 1 the ratio is 1 whatever the weights), got {r}")
    task = product(snapshot)
    if isinstance(task, Missing):
        return task
    tables = operand_tables(snapshot, task)
    if isinstance(tables, Missing):
        return tables
    transform, _, halves = convention.partition("_")
    energies = torch.stack([_energies(table, transform) for table in tables])
    # (component, row): a row is a neuron, or one half of one.
    rows = energies.flatten(0, 1) if halves == "both" else energies.transpose(0, 1).flatten(1)
    total = rows.sum(0)
    live = total > 1e-24 * total.max()  # less is rounding
    if not live.any():
        return Missing("no neuron reads the operands")
    return float((rows[:, live] / total[live]).pow(r).sum(0).mean())


def _energies(table: Float[Tensor, "residue neuron"], transform: str) -> Float[Tensor, "component neuron"]:
    """Squared absolute values of the components of each column."""
    if transform == "real":
        return (torch.from_numpy(basis(len(table))) @ table).square()
    components = torch.fft.rfft(table, dim=0) if transform == "rfft" else torch.fft.fft(table, dim=0)
    return components.abs().square()

"""The share of the neurons' influence on the logits that is in waves of one frequency each."""

from grokscope.errors import Missing
from grokscope.measures.analyses.layers import readout
from grokscope.measures.analyses.neurons import Terms, shares
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 4.3 (the share of a neuron); the weighting is the project's",
    cost="asked",
    needs=("cyclic", "mlp"),
)
def influence_explained(snapshot: Snapshot, terms: Terms = "block") -> float | Missing:
    """Mean share of the neurons' variance at their best frequency, each neuron weighted by its influence.

        sum_n I(n) E(n) / sum_n I(n),   I(n) = var(n) |W_L[n]|^2,   W_L = W_out W_U

    E(n): the share of neuron n at its best frequency, as in `neuron_explained` with the same terms. I(n): the variance
    over all inputs that the neuron alone adds to the logits, summed over the classes. A share of neurons counts one
    that the logits hardly read as much as one that they rest on; this one does not.

    `Missing` where no neuron varies and is read by the logits.
    """
    by_frequency = shares(snapshot, terms)
    if isinstance(by_frequency, Missing):
        return by_frequency
    variance = snapshot.activations["mlp_post"].double().var(0, correction=0)
    influence = variance * readout(snapshot).square().sum(1)
    total = float(influence.sum())
    if not total > 0:
        return Missing("no neuron varies and is read by the logits")
    return float((influence * by_frequency.amax(0)).sum()) / total

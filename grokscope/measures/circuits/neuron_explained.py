"""The share of the neurons that are waves of one frequency."""

from numpy.typing import NDArray

from grokscope.errors import Missing
from grokscope.measures.analyses.neurons import THRESHOLD, Terms, shares
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 4.3 and figure 5; threshold and terms: its released code",
    cost="final",
    needs=("cyclic",),
    axis="neuron",
)
def neuron_explained(
    snapshot: Snapshot, threshold: float = THRESHOLD, terms: Terms = "block", by_neuron: bool = False
) -> float | NDArray | Missing:
    """Share of the neurons that have more than `threshold` of their variance in the terms of one frequency.

        E(n) = max_k sum_t <n - mean n, t>^2 / |n - mean n|^2,   t in {1, cos_k, sin_k} x {1, cos_k, sin_k} but (1, 1)

    over all p^2 inputs (a, b), trained or not; the terms are orthonormal waves of 2 pi k a / p and 2 pi k b / p, 8 for
    each k = 1..floor(p/2). The neurons are those of the last MLP, after its activation function, where the answer is
    read. Each neuron has its own best frequency, chosen on the same inputs: independent noise has about 8 / p^2 of its
    variance at one frequency.

    by_neuron: the array E instead of the share above the threshold. terms: "block" as above; "products", the 4 without
    the constant; "sum", the 2 directions cos and sin(2 pi k (a + b) / p). A dead or constant neuron has E = 0 and
    counts as not explained.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must lie in [0, 1], got {threshold}")
    by_frequency = shares(snapshot, terms)
    if isinstance(by_frequency, Missing):
        return by_frequency
    best = by_frequency.amax(0)
    return best.numpy() if by_neuron else float((best > threshold).double().mean())

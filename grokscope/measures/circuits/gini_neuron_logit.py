"""How sparse the neuron-logit map W_L along the logits is in frequency."""

from grokscope.errors import Missing
from grokscope.measures.analyses.layers import readout
from grokscope.measures.analyses.tables import spectral_gini
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 5.1; Hurley & Rickard 2009, arXiv:0811.4706",
    needs=("cyclic", "mlp"),
)
def gini_neuron_logit(snapshot: Snapshot, paired: bool = False) -> float | Missing:
    """Gini coefficient of the norms of the Fourier components of the neuron-logit map W_L along the logits.

    Cosine and sine count apart, with the constant (N = p values); paired: together, without it (N = (p - 1)/2).
    """
    return spectral_gini(readout(snapshot).T, paired)

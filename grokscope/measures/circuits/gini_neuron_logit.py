"""How sparse the neuron-logit map W_L along the logits is in frequency."""

from grokscope.errors import Missing
from grokscope.measures.analyses.layers import readouts
from grokscope.measures.analyses.tables import spectral_ginis
from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 5.1; Hurley & Rickard 2009, arXiv:0811.4706",
    needs=("cyclic", "mlp"),
    packed=True,
)
def gini_neuron_logit(snapshots: Snapshots, paired: bool = False) -> list[float | Missing]:
    """Gini coefficient of the norms of the Fourier components of the neuron-logit map W_L along the logits.

    Cosine and sine count apart, with the constant (N = p values); paired: together, without it (N = (p - 1)/2).
    """
    return spectral_ginis(readouts(snapshots).mT, paired)

"""How sparse the neuron-logit map W_L along the logits is in frequency."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.measures.circuits._tables import neuron_logit_table
from grokscope.numerics import fourier
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 5.1; Hurley & Rickard 2009, arXiv:0811.4706",
    needs=("cyclic", "mlp"),
)
def gini_neuron_logit(snapshot: Snapshot, paired: bool = False) -> float | Missing:
    """Gini coefficient of the norms of the Fourier components of the neuron-logit map W_L along the logits.

    The paper does not say whether cosine and sine count apart. Default: apart, with the constant (N = p values).
    paired: together, without the constant (N = (p - 1)/2 values), which a rotation of the residues cannot change.
    """
    table = neuron_logit_table(snapshot)
    if not fourier.varies(table):
        return Missing("the table does not vary over the residues")
    norms = fourier.frequency_norms(table) if paired else fourier.component_norms(table)
    return fourier.gini(norms)

"""How sparse the embedding W_E is in frequency."""

from grokscope.errors import Missing
from grokscope.measures.analyses.tables import spectral_ginis
from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 5.1; Hurley & Rickard 2009, arXiv:0811.4706",
    needs=("cyclic", "embedding"),
    packed=True,
)
def gini_embedding(snapshots: Snapshots, paired: bool = False) -> list[float | Missing]:
    """Gini coefficient of the norms of the Fourier components of the embedding W_E, without "=".

    Cosine and sine count apart, with the constant (N = p values); paired: together, without it (N = (p - 1)/2).
    """
    return spectral_ginis(snapshots.activation("embed"), paired)

"""Which frequencies the embedding carries."""

from grokscope.measures.analyses.tables import embedding_table
from grokscope.measures.base import measure
from grokscope.numerics import fourier
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, section 4.1",
    cost="heavy",
    needs=("cyclic", "embedding"),
    axis="frequency",
)
def embedding_spectrum(snapshot: Snapshot) -> dict[str, float]:
    """Norm of each frequency k = 1..(p-1)/2 of W_E along the residues, cosine and sine together."""
    norms = fourier.frequency_norms(embedding_table(snapshot))
    return {str(k): float(norm) for k, norm in enumerate(norms, start=1)}

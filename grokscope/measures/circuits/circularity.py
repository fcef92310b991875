"""Whether the principal components of the embedding are circles."""

from grokscope.errors import Missing
from grokscope.measures.analyses.circles import components
from grokscope.measures.analyses.tables import embedding_table
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Zhong et al. 2023, arXiv:2306.17844, appendix",
    cost="final",
    needs=("cyclic", "embedding"),
)
def circularity(snapshot: Snapshot, n_components: int = 4) -> float | Missing:
    """Mean over the first principal components v of W_E of the largest share of one frequency in each.

        mean_v max_(k = 1..p-1)  2 / (p sum_x v_x^2) |sum_x v_x e^(2 pi i k x / p)|^2,   at most 1

    W_E is without "=" and centred over the residues. The paper calls .995 and more circular. A value of 1 does not say
    that a pair of components has one frequency. Circles of equal strength mix in the components, which lowers it.

    An embedding of fewer dimensions is averaged over those it has: a single exact circle has two components, and 1.
    """
    if n_components < 1:
        raise ValueError(f"n_components must be at least 1, got {n_components}")
    principal = components(embedding_table(snapshot))
    return principal if isinstance(principal, Missing) else float(principal.share[1:, :n_components].amax(0).mean())

"""How many directions the embeddings spread over."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.numerics.spectra import entropy_rank
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Liu et al. 2022, arXiv:2205.10343, section 4, figure 7",
    cost="final",
    needs=("embedding",),
)
def effective_dimension(snapshot: Snapshot) -> float | Missing:
    """exp(S), S = -sum s_i log s_i, s_i the share of principal component i in the variance of the symbols' embeddings.

    1 on a line, 2 on a circle, n where n directions have equal variance. Of two tables the left one is measured. The
    entropy rank of `manifold.linear_dimension` is the same for other sites.
    """
    return entropy_rank(snapshot.activations["embed"])

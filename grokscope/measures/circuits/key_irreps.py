"""The irreps the network computes with."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.measures.circuits.logit_similarity import logit_similarity
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Chughtai et al. 2023, arXiv:2302.03025, section 4 (key representations); threshold: released code",
    cost="final",
    needs=("classes",),
    axis="irrep",
)
def key_irreps(snapshot: Snapshot, threshold: float = 0.005) -> dict[str, float] | Missing:
    """The irreps whose logit similarity exceeds the threshold, with their similarity; there may be none.

    The trivial irrep is never key. The sum of the squares is the share of the logits that they explain, as published.
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold is a cosine and must lie in [0, 1), got {threshold}")
    similarities = logit_similarity(snapshot)
    if isinstance(similarities, Missing):
        return similarities
    return {name: similarity for name, similarity in similarities.items() if similarity > threshold}

"""How many of the parallelograms of its task an embedding has."""

from grokscope.errors import Missing
from grokscope.measures.analyses.additions import addition
from grokscope.measures.base import measure
from grokscope.numerics.effective_theory import quality_index as share
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Liu et al. 2022, arXiv:2205.10343, section 3.1 and appendix E; released code",
    cost="heavy",
    needs=("embedding",),
    variants=({"convention": "standardised"}, {"convention": "paper"}),
)
def quality_index(
    snapshot: Snapshot, convention: str = "standardised", tolerance: float | None = None
) -> float | Missing:
    """RQI: the share of all parallelograms i + j = m + n (trained on or not) for which E_i + E_j = E_m + E_n nearly.

    convention: "standardised", the released code: each channel to mean 0 and variance 1 (ddof 1), mean square of the
    residual over the channels < 0.01. "paper": |residual| <= 0.01 of the embedding as it is. "sum", older notebooks:
    as standardised, squares summed over the channels, symbol 0 left out. tolerance: another bound on the squared
    residual. The source counts a representation as reached above 0.95.

    Addition modulo p counts the parallelograms modulo p; a circle has none of them. With more than one channel the
    source itself found the index a poor predictor (appendix D).
    """
    if convention == "matrices":
        raise ValueError("convention 'matrices' is for networks that multiply embeddings; this one adds them")
    found = addition(snapshot)
    return found if isinstance(found, Missing) else share(found.table, found.samples, convention, tolerance)

"""The share of the task's parallelograms that the embedding has."""

from grokscope.errors import Missing
from grokscope.measures.analyses.additions import addition
from grokscope.measures.base import measure
from grokscope.numerics.effective_theory import quality_index as share
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Liu et al. 2022, arXiv:2205.10343, section 3.1 and appendix E; released code",
    cost="final",
    needs=("embedding",),
    variants=({"convention": "standardised"}, {"convention": "paper"}),
)
def quality_index(
    snapshot: Snapshot, convention: str = "standardised", tolerance: float | None = None
) -> float | Missing:
    """RQI: the share of all parallelograms i + j = m + n (trained on or not) for which E_i + E_j = E_m + E_n nearly.

    convention: "standardised", the released code: each channel has mean 0 and variance 1 (ddof 1), and the mean square
    of the residual over the channels is < 0.01. "paper": |residual| <= 0.01 in the embedding as it is. "sum", older
    notebooks: as standardised, with squares summed over the channels, without symbol 0. tolerance: another bound on the
    squared residual. In the source a representation counts as reached above 0.95.

    In addition modulo p the parallelograms are those modulo p; a circle has none of them. The source itself found the
    index a poor predictor with more than one channel (appendix D).
    """
    if convention == "matrices":
        raise ValueError("convention 'matrices' is for networks that multiply embeddings; this one adds them")
    task = addition(snapshot)
    return task if isinstance(task, Missing) else share(task.table, task.samples, convention, tolerance)

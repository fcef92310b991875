"""The accuracy that follows from a representation, or from the training samples alone."""

from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.analyses.additions import addition
from grokscope.measures.base import measure
from grokscope.numerics.effective_theory import represented
from grokscope.numerics.parallelograms import predicted_accuracy as share
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Liu et al. 2022, arXiv:2205.10343, section 3.1, equations of Acc-hat and its upper bound",
    cost="final",
    needs=("embedding",),
    variants=({"parallelograms": "represented"}, {"parallelograms": "implicit"}),
)
def predicted_accuracy(
    snapshot: Snapshot,
    parallelograms: Literal["represented", "implicit"] = "represented",
    split: str = "all",
    convention: str = "standardised",
    tolerance: float | None = None,
) -> float | Missing:
    """|D-bar| / |D0|: the share of samples that are trained on, or joined to a trained one by a parallelogram.

    D0: the unordered pairs of symbols. A pair is trained on if either order of it is.
    parallelograms: "represented", those that the embedding has now, within the tolerance of `quality_index`: Acc-hat.
    "implicit", all that follow from those between training samples, by exact rank: the upper bound. It does not depend
    on the weights. split: "all", as published (training samples count as right), or "test".
    """
    task = addition(snapshot)
    if isinstance(task, Missing):
        return task
    holds = None
    if parallelograms == "represented":
        holds = represented(task.table, task.samples, convention, tolerance)
    return holds if isinstance(holds, Missing) else share(task.samples, task.trained, holds, split=split)

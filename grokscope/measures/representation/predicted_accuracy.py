"""The accuracy that a representation, or the training samples alone, lets one expect."""

from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.analyses.additions import addition
from grokscope.measures.base import measure
from grokscope.numerics.effective_theory import represented
from grokscope.numerics.parallelograms import predicted_accuracy as share
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot

KINDS = ("represented", "implicit")


@measure(
    unit="1",
    source="Liu et al. 2022, arXiv:2205.10343, section 3.1, equations of Acc-hat and its upper bound",
    cost="heavy",
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
    """|D-bar| / |D0|: samples that are trained on, or joined to one that is by a parallelogram, over all.

    D0 are the unordered pairs of symbols; one is trained on if either order of it is.
    parallelograms: "represented", those the embedding has now, within the tolerance of `quality_index`: Acc-hat.
    "implicit", all that follow from those between training samples, by exact rank: the upper bound, which does not
    depend on the weights. split: "all", as published (training samples count as right), or "test".
    """
    if parallelograms not in KINDS:
        raise ValueError(unknown("kind of parallelograms", parallelograms, KINDS))
    found = addition(snapshot)
    if isinstance(found, Missing):
        return found
    if parallelograms == "implicit":
        return share(found.samples, found.trained, split=split)
    holds = represented(found.table, found.samples, convention, tolerance)
    return holds if isinstance(holds, Missing) else share(found.samples, found.trained, holds, split=split)

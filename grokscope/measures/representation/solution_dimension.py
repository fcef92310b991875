"""How many linear representations a training set allows."""

from grokscope.errors import Missing
from grokscope.measures.analyses.additions import addition
from grokscope.measures.base import measure
from grokscope.numerics.parallelograms import nullity
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Liu et al. 2022, arXiv:2205.10343, section 3.2 (degrees of freedom of the representation)",
    cost="asked",
    needs=("embedding",),
)
def solution_dimension(snapshot: Snapshot) -> float | Missing:
    """Dimension of the space of embeddings that have every parallelogram of the training samples.

    2: shift and scale alone are free, and the training set leaves one linear representation.
    """
    found = addition(snapshot)
    return found if isinstance(found, Missing) else float(nullity(found.samples, found.trained))

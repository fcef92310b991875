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

    2: only shift and scale are free; the training set allows one linear representation.
    """
    task = addition(snapshot)
    return task if isinstance(task, Missing) else float(nullity(task.samples, task.trained))

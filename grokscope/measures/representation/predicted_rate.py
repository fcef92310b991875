"""The rate at which the effective theory has the representation form."""

from grokscope.errors import Missing
from grokscope.measures.analyses.additions import addition
from grokscope.measures.base import measure
from grokscope.numerics.effective_theory import third_eigenvalue
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Liu et al. 2022, arXiv:2205.10343, section 3.2", cost="asked", needs=("embedding",))
def predicted_rate(snapshot: Snapshot) -> float | Missing:
    """lambda_3, the smallest eigenvalue of H beside shift and scale, over all parallelograms and not over their number:
    what deviates from a linear representation decays as exp(-lambda_3 x rate x step)."""
    found = addition(snapshot)
    return found if isinstance(found, Missing) else third_eigenvalue(found.samples, None, "unnormalised")

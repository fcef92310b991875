"""The rate at which the representation forms, according to the effective theory."""

from grokscope.errors import Missing
from grokscope.measures.analyses.additions import addition
from grokscope.measures.base import measure
from grokscope.numerics.effective_theory import third_eigenvalue
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Liu et al. 2022, arXiv:2205.10343, section 3.2", cost="asked", needs=("embedding",))
def predicted_rate(snapshot: Snapshot) -> float | Missing:
    """lambda_3, the third eigenvalue of H, the first two being those of shift and scale [1 / (rate x step)].

    A deviation from the linear representation decays as exp(-lambda_3 x rate x step) under gradient descent. As in the
    released code H sums over all parallelograms of the task, trained on or not, and is not divided by their number. Its
    Z0 is that of one channel of variance 1: neither the weights nor the split change the answer.
    """
    task = addition(snapshot)
    return task if isinstance(task, Missing) else third_eigenvalue(task.samples, None, "unnormalised")

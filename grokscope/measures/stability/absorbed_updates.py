"""How many weights a step of gradient descent leaves unchanged."""

from grokscope.errors import Missing
from grokscope.measures.analyses.gradients import flat, gradient
from grokscope.measures.base import measure
from grokscope.numerics import precision
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Prieto et al. 2025, arXiv:2501.04697, appendix C and figure 10",
    cost="final",
)
def absorbed_updates(snapshot: Snapshot, learning_rate: float | None = None) -> float | Missing:
    """Share of weights with w - eta g == w in their own dtype, g the gradient of the mean training loss.

    As published, the step is one of plain gradient descent for any optimizer, without weight decay. Weights whose
    gradient is 0 count. Forward and backward passes are in the weights' own dtype, as trained.
    learning_rate: eta, by default the run's rate after warm-up; `Missing` where it is not known (foreign weights).
    """
    eta = snapshot.learning_rate if learning_rate is None else learning_rate
    if eta is None:
        return Missing("the learning rate is not known: name one (learning_rate=)")
    if not 0 < eta < float("inf"):
        raise ValueError(f"learning_rate must be positive and finite, got {eta}")
    slopes = gradient(snapshot, dtype=None)
    return slopes if isinstance(slopes, Missing) else precision.absorbed(flat(snapshot.params), -eta * flat(slopes))

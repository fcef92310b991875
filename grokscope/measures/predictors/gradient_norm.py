"""How large the gradient is: the plainest of alarms."""

from grokscope.errors import Missing
from grokscope.measures.analyses.gradients import flat, gradient
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="a trivial competitor of every predictor; textbook", cost="asked")
def gradient_norm(snapshot: Snapshot) -> float | Missing:
    """Euclidean norm of the gradient of the mean training loss in all weights, without weight decay, in float64."""
    slopes = gradient(snapshot)
    return slopes if isinstance(slopes, Missing) else float(flat(slopes).norm())

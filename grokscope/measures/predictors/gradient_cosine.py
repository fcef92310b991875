"""Whether the gradient still points where it pointed."""

from collections import deque
from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.analyses.gradients import gradient
from grokscope.measures.analyses.vectors import vector
from grokscope.measures.base import measure
from grokscope.numerics.paths import cosine
from grokscope.runs.snapshot import Snapshot

Before = Literal["checkpoint", "step", "descent"]


@measure(unit="1", source="arXiv:2603.25047, released code OrderedLearning 8c3580b", cost="asked")
def gradient_cosine(snapshot: Snapshot, before: Before = "checkpoint") -> float | Missing:
    """Cosine of the gradient g of the mean training loss, without decay, with an earlier one, in float64.

        cos(g(w), g(w'))

    w' by `before`: "checkpoint", the weights of the checkpoint before, whose distance it depends on; "step", those
    before the last step, known while a training runs; "descent", w' = w + r g(w), from which a step of descent at the
    run's learning rate r would nearly come. All training inputs count: gradients of small batches are nearly orthogonal
    by their noise alone.
    """
    slope = gradient(snapshot)
    if isinstance(slope, Missing):
        return slope
    other = _before(snapshot, before)
    if isinstance(other, Missing):
        return other
    earlier = gradient(other)
    return earlier if isinstance(earlier, Missing) else cosine(vector(slope), vector(earlier))


def _before(snapshot: Snapshot, before: Before) -> Snapshot | Missing:
    if before == "step":
        if snapshot.before is None:
            return Missing("the weights before the last step are not known")
        return snapshot.with_params(snapshot.before)
    if before == "descent":
        slope = gradient(snapshot)
        if isinstance(slope, Missing) or snapshot.learning_rate is None:
            return slope if isinstance(slope, Missing) else Missing("the learning rate is not known")
        rate = snapshot.learning_rate
        return snapshot.with_params({name: t.double() + rate * slope[name] for name, t in snapshot.params.items()})
    last = deque(snapshot.earlier(), maxlen=1) if snapshot.earlier else None
    return last[0] if last else Missing("no checkpoint before this one is known")

"""How far the last step scaled the weights, and how far it turned them."""

from grokscope.errors import Missing
from grokscope.measures.analyses.gradients import flat
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Prieto et al. 2025, arXiv:2501.04697, definition 7; the angle: Wan et al. 2021, arXiv:2006.08419",
    needs=("before",),
    axis="part",
)
def last_step(snapshot: Snapshot) -> dict[str, float] | Missing:
    """The optimizer's last step u = w' - w, as a whole (momentum, preconditioner, weight decay, spheres), relative to
    the weights w before it, all tensors as one vector:

        radial      <u, w> / |w|^2        the share by which the step lengthened the weights; below 0: shortened
        tangential  |u - radial w| / |w|  how far the step turned them: the tangent of the angle, radians if small

    Two trainings have the same effective learning rate where their tangential parts are equal. It is known only while
    training: checkpoints do not keep the weights before the step.
    """
    assert snapshot.before is not None
    w = flat(snapshot.before).double()
    u = flat(snapshot.params).double() - w
    norm = w.norm()
    if not norm:
        return Missing(f"the weights before step {snapshot.step} are zero: they have no direction")
    w, u = w / norm, u / norm
    radial = u @ w
    return {"radial": float(radial), "tangential": float((u - radial * w).norm())}

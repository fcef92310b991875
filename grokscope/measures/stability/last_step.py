"""How far the last step scaled the weights, and how far it turned them."""

import torch
from torch.linalg import vecdot

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(
    unit="1",
    source="Prieto et al. 2025, arXiv:2501.04697, definition 7; the angle: Wan et al. 2021, arXiv:2006.08419",
    needs=("before",),
    axis="part",
    packed=True,
)
def last_step(snapshots: Snapshots) -> list[dict[str, float] | Missing]:
    """The optimizer's last step u = w' - w, as a whole (momentum, preconditioner, weight decay, spheres), relative to
    the weights w before it, all tensors as one vector:

        radial      <u, w> / |w|^2        the share by which the step lengthened the weights; below 0: shortened
        tangential  |u - radial w| / |w|  how far the step turned them: the tangent of the angle, radians if small

    Two trainings have the same effective learning rate where their tangential parts are equal. It is known only while
    training: checkpoints do not keep the weights before the step.
    """
    assert snapshots.before is not None  # declared in needs
    sizes, radial, turned = (torch.zeros(len(snapshots), dtype=torch.float64) for _ in range(3))
    for name, tensor in snapshots.before.items():
        w = tensor.flatten(1).double()
        u = snapshots.params[name].flatten(1).double() - w
        sizes += vecdot(w, w)
        radial += vecdot(u, w)
        turned += vecdot(u, u)
    radial /= sizes
    tangential = (turned / sizes - radial.square()).clamp(min=0).sqrt()
    zero = Missing(f"the weights before step {snapshots.first.step} are zero: they have no direction")
    return [
        {"radial": along, "tangential": across} if size else zero
        for size, along, across in zip(sizes.tolist(), radial.tolist(), tangential.tolist(), strict=True)
    ]

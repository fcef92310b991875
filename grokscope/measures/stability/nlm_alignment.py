"""Whether training only scales the weights up."""

from grokscope.errors import Missing
from grokscope.measures.analyses.gradients import by_layer, gradient, vanishes
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Prieto et al. 2025, arXiv:2501.04697, definition 5 and figure 5",
    cost="final",
    axis="tensor",
)
def nlm_alignment(snapshot: Snapshot) -> dict[str, float] | Missing:
    """Cosine between each weight tensor and the direction of steepest descent, layer by layer.

        cos_l = -<W_l, g_l> / (|W_l| |g_l|),   g = gradient of the mean training loss, without weight decay

    1: gradient descent moves the layer along its weights and only makes its output larger (naive loss minimisation:
    exact for the last layer, and for all layers of a homogeneous network together). In a ReLU network without biases
    <W_l, g_l> is equal in all layers: it is the sum of z dL/dz over inputs and outputs.

    The gradient is formed in float64, except the softmax, which has the dtype of training. Tensors that are zero, or
    whose gradient is zero (up to rounding, 1e-13 of the whole gradient), are left out; `Missing` where all are.
    """
    slopes = gradient(snapshot)
    if isinstance(slopes, Missing):
        return slopes
    cosines = {}
    for (name, weight), (_, slope) in zip(by_layer(snapshot.params), by_layer(slopes), strict=True):
        w = weight.double()
        if bool(w.any()) and bool(slope.any()) and not vanishes(slope, slopes):
            # Two divisions: the product of two small norms can underflow where the cosine does not.
            cosines[name] = -float((w / w.norm() * (slope / slope.norm())).sum())
    return cosines or Missing(f"no weight has a gradient at step {snapshot.step}")

"""How much of the gradient is along the weights."""

from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.analyses.gradients import flat, gradient
from grokscope.measures.base import measure
from grokscope.measures.stability.nlm_alignment import nlm_alignment
from grokscope.runs.snapshot import Snapshot

By = Literal["all", "tensor"]


@measure(
    unit="1",
    source="Prieto et al. 2025, arXiv:2501.04697, definition 7 (the part that perpGrad takes out)",
    cost="final",
    axis="tensor",
)
def radial_share(snapshot: Snapshot, by: By = "all") -> float | dict[str, float] | Missing:
    """Share of the squared gradient along the weights; the rest is tangential to the sphere of the weights' norm.

        <g, w>^2 / (|g|^2 |w|^2),   g = gradient of the mean training loss, without weight decay

    by: "all" weights as one vector w, as in the definition, or each "tensor" separately, as in the released perpGrad.
    The share is that of the gradient, not of the step: momentum, Adam's preconditioner and weight decay change the
    radial part of the step. By tensor it is the square of `nlm_alignment`, with its rules for zeros.
    """
    if by == "tensor":
        cosines = nlm_alignment.function(snapshot)
        return cosines if isinstance(cosines, Missing) else {name: cosine**2 for name, cosine in cosines.items()}
    slopes = gradient(snapshot)
    if isinstance(slopes, Missing):
        return slopes
    g, w = flat(slopes), flat(snapshot.params).double()
    if not g.any() or not w.any():
        return Missing(f"the {'weights' if g.any() else 'gradient'} at step {snapshot.step} are zero")
    return float((g / g.norm() @ (w / w.norm())) ** 2)

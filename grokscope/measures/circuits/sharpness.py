"""How sharp the minimum of the loss is."""

from grokscope.errors import Missing
from grokscope.measures.analyses.curvature import curvature
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Power et al. 2022, arXiv:2201.02177, section 3.3, by another definition: that of the edge of stability, "
    "Cohen et al. 2021, arXiv:2103.00065",
    cost="asked",
)
def sharpness(snapshot: Snapshot, split: str = "train", seed: int = 0) -> float | Missing:
    """Largest eigenvalue of the Hessian of the mean loss over a split's inputs, in all weights, to 1e-4 of itself.

    By Lanczos iteration over Hessian-vector products in float64; seed: of the first vector. The loss is that of
    training, with the output of "=" and without weight decay. It depends on scale: the same function with larger
    weights in one layer and smaller ones in the next has another sharpness.

    The paper's sharpness, after Keskar et al. 2017 (arXiv:1609.04836), is different: its released code minimises the
    loss where the definition maximises it, so its numbers do not follow from the definition.
    """
    hessian = curvature(snapshot, split)
    if isinstance(hessian, Missing):
        return hessian
    top = hessian.top(seed=seed)
    return top if isinstance(top, Missing) else float(top[0][0])

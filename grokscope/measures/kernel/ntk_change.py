"""How far the tangent kernel is from that of step 0."""

from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.analyses.kernels import N_SAMPLES, drawn, kernel
from grokscope.measures.base import measure
from grokscope.numerics.kernels import distance, relative_change
from grokscope.runs.snapshot import Snapshot

By = Literal["frobenius", "distance"]


@measure(
    unit="1",
    source="Fort et al. 2020, arXiv:2010.15110, section 3 (distance); Kumar et al. 2024, arXiv:2310.06110 (both uses)",
    cost="asked",
    needs=("initial",),
    variants=({"by": "frobenius"}, {"by": "distance"}),
)
def ntk_change(
    snapshot: Snapshot, by: By = "frobenius", split: str = "test", n_samples: int = N_SAMPLES, seed: int = 0
) -> float | Missing:
    """The kernel K_t against K_0 on the same samples of a split: near 0 while a network is lazy.

    by "frobenius": |K_t - K_0|_F / |K_0|_F; it grows with the weights even if only the kernel's scale changes.
    by "distance": 1 - CKA(K_t, K_0), centred on both sides; the scale does not change it.
    """
    index = drawn(snapshot, split, n_samples, seed)
    if isinstance(index, Missing):
        return index
    start = snapshot.initial
    assert start is not None  # declared in needs
    change = relative_change if by == "frobenius" else distance
    return change(kernel(snapshot, index), kernel(start, index))

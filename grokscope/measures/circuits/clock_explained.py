"""How well the clock describes the logits of one circle."""

from grokscope.errors import Missing
from grokscope.measures.analyses.circles import Plane, explained
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Zhong et al. 2023, arXiv:2306.17844, table 2",
    cost="heavy",
    needs=("cyclic", "embedding"),
    axis="frequency",
)
def clock_explained(snapshot: Snapshot, plane: Plane = "pca", n_circles: int | None = 3) -> dict[str, float] | Missing:
    """For each circle of the embedding alone: variance of the logits L_abc explained by cos(w (a + b - c)).

        1 - Var(z(L) - z(F)),   F = cos(w (a + b - c)),   w = 2 pi k / p,   z: over all p^3 to mean 0 and variance 1

    Nothing is fitted, so it can be negative (down to -3); it is 2 correlation - 1. The logits are the network's own
    behind an embedding reduced to the circle, its mean kept, and they are not centred over the answers. In x - y the
    second operand counts backwards.

    plane: "pca", as published, the two principal components of one frequency (each with more than .9 of its variance
    there; components that mix circles are none); "fourier": the table's Fourier components of each key frequency.
    n_circles: the strongest ones; None: all. By frequency 1..floor(p/2); `Missing` where the embedding has no such
    circle. A circle that another uses at twice its frequency (the accompanying pizza) answers at half of its own: -1.
    """
    return explained(snapshot, plane, n_circles, pizza=False)

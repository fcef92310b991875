"""How well the clock formula describes the logits of one circle."""

from grokscope.errors import Missing
from grokscope.measures.analyses.circles import Plane, explained
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Zhong et al. 2023, arXiv:2306.17844, table 2",
    cost="final",
    needs=("cyclic", "embedding"),
    axis="frequency",
)
def clock_explained(snapshot: Snapshot, plane: Plane = "pca", n_circles: int | None = 3) -> dict[str, float] | Missing:
    """Variance of the logits L_abc explained by cos(w (a + b - c)), for each circle of the embedding alone.

        1 - Var(z(L) - z(F)),   F = cos(w (a + b - c)),   w = 2 pi k / p,   z: over all p^3 to mean 0 and variance 1

    Nothing is fitted: the value is 2 correlation - 1 and can be negative, down to -3. The logits are those of the
    network with its embedding reduced to the circle and the mean, and are not centred over the answers. In x - y the
    second operand counts backwards.

    plane: "pca", as published, the two principal components of one frequency (each with more than .9 of its variance at
    this frequency; components that mix circles do not count); "fourier": the table's Fourier components of each key
    frequency. n_circles: the strongest circles; None: all. By frequency 1..floor(p/2); `Missing` where the embedding
    has no such circle. A circle that another circle uses at twice its frequency (the accompanying pizza) answers at
    half of its own frequency: -1.
    """
    return explained(snapshot, plane, n_circles, pizza=False)

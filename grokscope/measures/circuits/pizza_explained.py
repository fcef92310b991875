"""How well the pizza formula describes the logits of one circle."""

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
def pizza_explained(snapshot: Snapshot, plane: Plane = "pca", n_circles: int | None = 3) -> dict[str, float] | Missing:
    """Variance of the logits explained by the pizza formula, for each circle of the embedding alone.

        F = |cos(w (a - b) / 2)| cos(w (a + b - c)),   w = 2 pi k / p

    Otherwise as in `clock_explained`. The formula is the paper's; the numbers printed in its released notebook come
    from another formula, with the absolute difference.
    """
    return explained(snapshot, plane, n_circles, pizza=True)

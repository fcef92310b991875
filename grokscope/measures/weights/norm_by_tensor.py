"""The 2-norm of each weight tensor."""

from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(unit="1", source="Liu et al. 2023, arXiv:2210.01117, section 2", axis="tensor", packed=True)
def norm_by_tensor(snapshots: Snapshots) -> list[dict[str, float]]:
    """The Frobenius norm of each parameter tensor, by its name."""
    norms = {name: square.sqrt().tolist() for name, square in snapshots.squares.items()}
    return [{name: norms[name][i] for name in norms} for i in range(len(snapshots))]

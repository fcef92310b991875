"""The 2-norm of each weight tensor."""

from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Liu et al. 2023, arXiv:2210.01117, section 2", axis="tensor")
def norm_by_tensor(snapshot: Snapshot) -> dict[str, float]:
    """The Frobenius norm of each parameter tensor, by its name."""
    return {name: float(tensor.double().norm()) for name, tensor in snapshot.params.items()}

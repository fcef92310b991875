"""How hard the labels are for the tangent kernel."""

from grokscope.errors import Missing
from grokscope.measures.analyses.kernels import N_SAMPLES, drawn, kernel, targets
from grokscope.measures.base import measure
from grokscope.numerics import kernels
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Kumar et al. 2024, arXiv:2310.06110, section 4, with the released code", cost="asked")
def difficulty(
    snapshot: Snapshot, split: str = "train", ridge: float = 0.0, n_samples: int = N_SAMPLES, seed: int = 0
) -> float | Missing:
    """y^T (K + ridge)^-1 y on samples of a split, summed over outputs (one-hot classes): the squared distance that the
    weights of a lazy network must move to fit the targets from 0.

    With several outputs K is the mean of their kernels: exact where these are equal and have no cross terms. `Missing`
    where K cannot fit the targets.
    """
    index = drawn(snapshot, split, n_samples, seed)
    if isinstance(index, Missing):
        return index
    mean = kernel(snapshot, index) / snapshot.task.n_outputs
    return kernels.difficulty(mean, targets(snapshot, index), ridge=ridge)

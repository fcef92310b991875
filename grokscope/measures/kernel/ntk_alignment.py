"""How well the tangent kernel is aligned with the labels."""

from grokscope.errors import Missing
from grokscope.measures.analyses.kernels import N_SAMPLES, drawn, kernel, targets
from grokscope.measures.base import measure
from grokscope.numerics.kernels import Convention, alignment
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Kumar et al. 2024, arXiv:2310.06110, section 4 and released code",
    cost="asked",
    variants=({"convention": "kumar"}, {"convention": "centred"}),
)
def ntk_alignment(
    snapshot: Snapshot,
    convention: Convention = "kumar",
    split: str = "test",
    n_samples: int = N_SAMPLES,
    seed: int = 0,
) -> float | Missing:
    """<K, y y^T> / (|K|_F |y y^T|_F) of the kernel K on samples of a split and their targets y (one-hot classes).

    convention: as in `numerics.kernels.alignment`: "kumar" centres y and the columns of K; "centred" is the CKA of K
    and y y^T; "uncentred" centres nothing. The source takes all untrained inputs and reports changes in the third
    decimal: compare a value with the first one.
    """
    index = drawn(snapshot, split, n_samples, seed)
    if isinstance(index, Missing):
        return index
    return alignment(kernel(snapshot, index), targets(snapshot, index), convention=convention)

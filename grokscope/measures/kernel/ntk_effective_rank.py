"""How many directions the tangent kernel has."""

from grokscope.errors import Missing
from grokscope.measures.analyses.kernels import N_SAMPLES, drawn, kernel
from grokscope.measures.base import measure
from grokscope.numerics.kernels import effective_rank
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Roy & Vetterli 2007, definition 1, of the tangent kernel", cost="asked")
def ntk_effective_rank(
    snapshot: Snapshot, split: str = "test", n_samples: int = N_SAMPLES, seed: int = 0
) -> float | Missing:
    """exp of the entropy of the normalised eigenvalues of the kernel on samples of a split; at most their number."""
    index = drawn(snapshot, split, n_samples, seed)
    return index if isinstance(index, Missing) else effective_rank(kernel(snapshot, index))

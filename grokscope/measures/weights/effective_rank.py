"""How many directions each weight matrix uses."""

from grokscope.measures.analyses.matrices import matrices
from grokscope.measures.base import measure
from grokscope.numerics import spectra
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Roy & Vetterli 2007, definition 1", cost="final", axis="tensor")
def effective_rank(snapshot: Snapshot) -> dict[str, float]:
    """exp of the entropy of the normalised singular values of each weight matrix (all heads as one)."""
    return {name: spectra.effective_rank(matrix.numpy()) for name, matrix in matrices(snapshot)}

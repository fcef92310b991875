"""The largest singular value of each weight matrix."""

import torch

from grokscope.measures.analyses.matrices import matrices
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Golub & Van Loan 2013, section 2.3", cost="final", axis="tensor")
def spectral_norm(snapshot: Snapshot) -> dict[str, float]:
    """The largest singular value of each weight matrix (all heads of a layer as one matrix)."""
    return {name: float(torch.linalg.matrix_norm(matrix, ord=2)) for name, matrix in matrices(snapshot)}

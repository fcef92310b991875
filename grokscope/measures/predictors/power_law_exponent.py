"""How heavy the tail of each weight matrix's spectrum is."""

from grokscope.errors import Missing
from grokscope.measures.analyses.matrices import matrices
from grokscope.measures.base import measure
from grokscope.numerics.power_law import SMALLEST, eigenvalues, power_law
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Martin & Mahoney 2021, arXiv:1810.01075; released code WeightWatcher d6fd015",
    cost="asked",
    axis="tensor",
)
def power_law_exponent(snapshot: Snapshot, fewest: int = 10) -> dict[str, float] | Missing:
    """alpha of the eigenvalues l of W^T W beyond the best xmin, for each weight matrix (all heads of a layer as one).

        alpha = 1 + n / sum_i ln(l_i / xmin),   standard error (alpha - 1) / sqrt n

    Free of scale. A matrix with fewer than `fewest` eigenvalues is left out; `Missing` where all are. The source wants
    50, which networks of modular arithmetic hardly have: their standard error is 0.3 to 0.5. A random matrix has an
    exponent too (that of the edge of its bulk), and a few Fourier components are spikes, not a tail: compare with step
    0 and with shuffled matrices.
    """
    fits = {}
    for name, matrix in matrices(snapshot):
        if min(matrix.shape) >= fewest:
            fit = power_law(eigenvalues(matrix), smallest=SMALLEST)
            if not isinstance(fit, Missing):
                fits[name] = fit.alpha
    return fits or Missing(f"no weight matrix has {fewest} eigenvalues")

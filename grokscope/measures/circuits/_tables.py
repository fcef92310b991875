"""Weight tables whose first axis is residues."""

from jaxtyping import Float
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics import fourier
from grokscope.runs.snapshot import Snapshot


def embedding_table(snapshot: Snapshot) -> Float[Tensor, "residue d_model"]:
    """W_E without the row of "=", as the network reads it (behind a bottleneck, if there is one)."""
    return snapshot.activations["embed"].double()


def spectral_gini(table: Float[Tensor, "residue channel"], paired: bool) -> float | Missing:
    """Gini coefficient of the norms of a table's Fourier components.

    The paper does not say whether cosine and sine count apart. Not paired: apart, with the constant (N = p values).
    paired: together, without it (N = (p - 1)/2 values), which a rotation of the residues cannot change.
    """
    if not fourier.varies(table):
        return Missing("the table does not vary over the residues")
    return fourier.gini(fourier.frequency_norms(table) if paired else fourier.component_norms(table))

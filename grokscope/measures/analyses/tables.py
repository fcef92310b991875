"""Weight tables whose first axis is residues."""

from jaxtyping import Float
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics import fourier
from grokscope.runs.snapshot import Snapshot


def embedding_table(snapshot: Snapshot) -> Float[Tensor, "residue d_model"]:
    """W_E without the row of "=", as the network reads it (behind a bottleneck, if any)."""
    return snapshot.activations["embed"].double()


def operand_blocks(snapshot: Snapshot) -> list[tuple[str, slice]] | Missing:
    """The weights of the operands' symbols, as tensor names and rows: a table for both operands, or one for each."""
    params, n = snapshot.params, snapshot.task.n_symbols
    tables = [(name, slice(n)) for name in ("W_E", "W_E_right") if name in params]
    if tables:
        return tables
    if n and "W_in" in params and len(params["W_in"]) == 2 * n:
        return [("W_in", slice(n)), ("W_in", slice(n, 2 * n))]
    return Missing("the network has no table of symbols")


def spectral_gini(table: Float[Tensor, "residue channel"], paired: bool) -> float | Missing:
    """Gini coefficient of the norms of a table's Fourier components.

    The paper does not say whether cosine and sine count separately. paired=False: separately, with the constant
    (N = p values). paired=True: together, without the constant (N = (p - 1)/2 values); a rotation of the residues does
    not change this.
    """
    if not fourier.varies(table):
        return Missing("the table does not vary over the residues")
    return fourier.gini(fourier.frequency_norms(table) if paired else fourier.component_norms(table))

"""The loss with only the key irreps of the neurons."""

from collections.abc import Sequence

from grokscope.errors import Missing
from grokscope.measures.analyses.irreps import loss_along
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="nats",
    source="Chughtai et al. 2023, arXiv:2302.03025, section 5 (restricted loss) and released code",
    cost="final",
    needs=("classes", "mlp"),
)
def irrep_restricted_loss(
    snapshot: Snapshot, split: str = "all", irreps: Sequence[str] | None = None, skip: bool = False
) -> float | Missing:
    """Cross-entropy over all inputs with the neurons N projected on the entries of rho(a b), rho in the key irreps.

        logits = Q Q^T N W,   Q an orthonormal basis over the inputs of rho(a b)_ij,   W = W_out W_U (or W_out)

    N is not centred, and its mean is not put back; irreps=["trivial", ...] does that, since rho(a b) = 1 is the trivial
    irrep. skip: add the other inputs of the logits (the stream around the neurons, biases), unlike the paper.
    irreps: for every step, by default the key irreps of the run's last checkpoint. The projection is fitted on all
    inputs, trained or not.

    Departure: Q drops null directions (`groups.bases`). The released code's QR keeps two arbitrary directions for each
    frequency of a cyclic group; its published restricted losses there are thousands of times too large.
    """
    return loss_along(snapshot, irreps, keep=True, skip=skip, split=split)

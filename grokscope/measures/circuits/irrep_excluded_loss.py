"""The loss with the key irreps removed from the neurons."""

from collections.abc import Sequence

from grokscope.errors import Missing
from grokscope.measures.analyses.irreps import loss_along
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="nats",
    source="Chughtai et al. 2023, arXiv:2302.03025, section 5 (excluded loss) and released code",
    cost="final",
    needs=("classes", "mlp"),
)
def irrep_excluded_loss(
    snapshot: Snapshot, split: str = "train", irreps: Sequence[str] | None = None, skip: bool = False
) -> float | Missing:
    """Cross-entropy over the training inputs with the entries of rho(a b), rho in the key irreps, removed from the
    neurons N.

        logits = (N - Q Q^T N) W

    Q, W, irreps, skip and the departure are those of `irrep_restricted_loss`; N is not centred.
    """
    return loss_along(snapshot, irreps, keep=False, skip=skip, split=split)

"""How large the logits are."""

from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.measures.behaviour.margin import margin
from grokscope.runs.snapshot import Snapshot

Of = Literal["rms", "margin", "largest"]


@measure(
    unit="nats",
    source="of our own choice, for naive loss minimisation: Prieto et al. 2025, arXiv:2501.04697, definition 5",
    needs=("classes",),
)
def logit_scale(snapshot: Snapshot, of: Of = "rms", split: str = "train") -> float | Missing:
    """Size of the logits z as trained. Naive loss minimisation that multiplies z by c multiplies it by c.

        rms      sqrt(mean over inputs and classes of (z_c - mean_c z)^2)
        margin   mean over inputs of z_y - max_{c != y} z_c, which is `behaviour.margin`
        largest  max over inputs and classes of |z_c|, to compare with the range of a dtype

    A common shift of all logits of an input changes neither rms nor margin, nor the softmax.
    """
    if of == "margin":
        return margin.function(snapshot, split)
    rows = snapshot.rows(split)
    if isinstance(rows, Missing):
        return rows
    z = snapshot.logits[rows].double()
    return float(z.abs().max() if of == "largest" else (z - z.mean(1, keepdim=True)).square().mean().sqrt())

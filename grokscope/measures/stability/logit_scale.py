"""How large the logits are."""

from typing import Literal, get_args

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.measures.behaviour.margin import margin
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot

Of = Literal["rms", "margin", "largest"]


@measure(
    unit="nats",
    source="of our own choice, for naive loss minimisation: Prieto et al. 2025, arXiv:2501.04697, definition 5",
    needs=("classes",),
)
def logit_scale(snapshot: Snapshot, of: Of = "rms", split: str = "train") -> float | Missing:
    """How large the logits z as trained are: times c where naive loss minimisation multiplies them by c.

        rms      sqrt(mean over inputs and classes of (z_c - mean_c z)^2)
        margin   mean over inputs of z_y - max_{c != y} z_c, which is `behaviour.margin`
        largest  max over inputs and classes of |z_c|: what the range of a dtype is compared with

    rms and margin do not change where all logits of an input are shifted alike, as the softmax does not.
    """
    if of not in get_args(Of):
        raise ValueError(unknown("scale", of, get_args(Of)))
    chosen = snapshot.rows(split)
    if isinstance(chosen, Missing):
        return chosen
    if of == "margin":
        return margin.function(snapshot, split)  # pyright: ignore[reportReturnType]
    z = snapshot.logits[chosen].double()
    return float(z.abs().max() if of == "largest" else (z - z.mean(1, keepdim=True)).square().mean().sqrt())

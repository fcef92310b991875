"""How many samples the softmax has collapsed on."""

from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.numerics import precision
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Prieto et al. 2025, arXiv:2501.04697, definition 3 and the logger of the released code",
    needs=("classes",),
    variants=tuple({"dtype": dtype} for dtype in precision.BITS),
)
def collapse_rate(
    snapshot: Snapshot, dtype: str | None = None, order: precision.Order = "torch", split: str = "train"
) -> float | Missing:
    """Share of inputs on which sum_c exp(z_c - max z) is 1 in a dtype, whatever their labels.

    z: the logits of the task's classes as trained, with output_scale and the temperature of the loss; the published
    logger omits alpha.
    dtype: float16, bfloat16, float32 or float64; by default that of the softmax in training, `Missing` for a loss
    without a softmax. order: of the addition: "torch" as published, "sequential" or "pairwise" (`numerics.precision`).
    For a network trained with StableMax this is the collapse that a softmax of its logits would have;
    `zero_loss_share` measures the loss itself.
    """
    rows = snapshot.rows(split)
    if isinstance(rows, Missing):
        return rows
    options = snapshot.loss_options
    dtype = dtype or getattr(options, "softmax_dtype", None)
    if dtype is None:
        return Missing("the loss trained on has no softmax: name a dtype")
    # Checked once for all dtypes.
    logits = snapshot.remembered(("finite logits", split), lambda: _finite(snapshot.logits[rows]))
    temperature = getattr(options, "temperature", 1.0)
    if logits is None:
        return Missing(f"logits at step {snapshot.step} are not finite")
    return precision.collapse_rate(logits if temperature == 1 else logits / temperature, dtype, order)


def _finite(logits: Tensor) -> Tensor | None:
    return logits if all(bool(end.isfinite()) for end in logits.aminmax()) else None

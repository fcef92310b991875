"""How far the embedding is from the parallelograms of its training samples."""

from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.analyses.additions import addition
from grokscope.measures.base import measure
from grokscope.numerics.effective_theory import Normalisation
from grokscope.numerics.effective_theory import effective_loss as loss
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Liu et al. 2022, arXiv:2205.10343, section 3.2, the effective loss",
    cost="final",
    needs=("embedding",),
)
def effective_loss(
    snapshot: Snapshot,
    normalisation: Normalisation = "per_parallelogram",
    samples: Literal["train", "all"] = "train",
) -> float | Missing:
    """l_eff = sum over P0(D) of |E_i + E_j - E_m - E_n|^2 / |P0(D)| / sum_k |E_k - mean|^2, channels added up.

    0 for a linear representation. The scale and the origin of the embedding do not change it. normalisation:
    "unnormalised" omits |P0(D)|, as the released code. samples: the parallelograms between training samples, or all
    ("all", as the released simulation). In addition modulo an odd p it is 4 (p + 3) / (p^2 - 1) over all samples,
    whatever the embedding, and nearly so over most of them.
    """
    task = addition(snapshot)
    if isinstance(task, Missing):
        return task
    return loss(task.table, task.samples, task.trained if samples == "train" else None, normalisation)

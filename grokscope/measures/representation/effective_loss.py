"""How far the embedding is from the parallelograms of its training samples."""

from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.analyses.additions import addition
from grokscope.measures.base import measure
from grokscope.numerics.effective_theory import NORMALISATIONS, Normalisation
from grokscope.numerics.effective_theory import effective_loss as loss
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Liu et al. 2022, arXiv:2205.10343, section 3.2, the effective loss",
    cost="heavy",
    needs=("embedding",),
)
def effective_loss(
    snapshot: Snapshot,
    normalisation: Normalisation = "per_parallelogram",
    samples: Literal["train", "all"] = "train",
) -> float | Missing:
    """l_eff = sum over P0(D) of |E_i + E_j - E_m - E_n|^2 / |P0(D)| / sum_k |E_k - mean|^2, channels added up.

    0 for a linear representation; free of the embedding's scale and of where it lies. normalisation: "unnormalised"
    leaves |P0(D)| out, as the released code. samples: the parallelograms between training samples, or all ("all", as
    the released simulation). Addition modulo an odd p: over all samples it is 4 (p + 3) / (p^2 - 1) whatever the
    embedding, and over most of them nearly so.
    """
    if normalisation not in NORMALISATIONS:
        raise ValueError(unknown("normalisation", normalisation, NORMALISATIONS))
    if samples not in ("train", "all"):
        raise ValueError(unknown("samples", samples, ("train", "all")))
    found = addition(snapshot)
    if isinstance(found, Missing):
        return found
    trained = found.trained if samples == "train" else None
    return loss(found.table, found.samples, trained, normalisation)

"""The share of the logits that follows the task's symmetry: the order parameter."""

import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.harmonics import aligned_logits
from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots
from grokscope.runs.views import no_inputs


@measure(
    unit="1",
    source="the project's definition, after Varma et al. 2023, arXiv:2309.02390, section 4 (harmonics of the task)",
    needs=("classes",),
    variants=({"split": "all"}, {"split": "test"}),
    packed=True,
)
def harmonic_share(snapshots: Snapshots, split: str = "all") -> list[float | Missing]:
    """Share of the logits' variance that is a function of y^-1 c alone, y the input's answer and c the class.

        share = n |mean_x z_x|^2 / sum_x |z_x|^2,   z_x(g) = logit(x, y_x g) less its mean over the classes

    For residues y^-1 c is c - a - b mod p, and its functions are the task's harmonics cos, sin(2 pi k (a + b - c) / p)
    of all k. 1: the logits have no other part; random logits: 1 / n, n the number of inputs.
    """
    aligned = snapshots.remembered("aligned logits", lambda: aligned_logits(snapshots))
    if isinstance(aligned, Missing):
        return [aligned] * len(snapshots)
    rows = snapshots.rows(split) & aligned.has_answer
    counts = rows.sum(1)
    totals, least = (torch.where(rows, energy, 0.0).sum(1) for energy in (aligned.energy, aligned.rounding))
    explained = torch.where(rows[..., None], aligned.logits, 0.0).sum(1).square().sum(1) / (counts * totals)
    flat = Missing("all logits of an input are equal: there is no variance to explain")
    varies = (totals > least).tolist()
    shares = [share if varied else flat for share, varied in zip(explained.tolist(), varies, strict=True)]
    none = no_inputs(split)
    return [share if count else none for share, count in zip(shares, counts.tolist(), strict=True)]

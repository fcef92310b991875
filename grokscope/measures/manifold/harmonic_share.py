"""The share of the logits that follows the task's symmetry: the order parameter."""

from grokscope.errors import Missing
from grokscope.measures.analyses.harmonics import harmonics
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="the project's definition, after Varma et al. 2023, arXiv:2309.02390, section 4 (harmonics of the task)",
    needs=("classes",),
    variants=({"split": "all"}, {"split": "test"}),
)
def harmonic_share(snapshot: Snapshot, split: str = "all") -> float | Missing:
    """Share of the logits' variance that is a function of y^-1 c alone, y the input's answer and c the class.

        share = n |mean_x z_x|^2 / sum_x |z_x|^2,   z_x(g) = logit(x, y_x g) less its mean over the classes

    For residues y^-1 c is c - a - b mod p, and its functions are the task's harmonics cos, sin(2 pi k (a + b - c) / p)
    of all k. 1: the logits have no other part; random logits: 1 / n, n the number of inputs.
    """
    logits = harmonics(snapshot, split)
    return logits if isinstance(logits, Missing) else logits.share()

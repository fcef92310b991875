"""The dimension of a view in the planes of key frequencies."""

from collections.abc import Mapping

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.analyses.planes import in_planes
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1", source="Denti et al. 2022, doi:10.1038/s41598-022-20991-1, in planes", cost="asked", needs=("cyclic",)
)
def plane_dimension(snapshot: Snapshot, view: str = "resid_mid/class_means", n1: int = 4) -> float | Missing:
    """Median over the key frequencies of the dimension that Gride gives the view's site in the plane of each, from the
    distances to the n1-th and the 2 n1-th neighbour. 1: a circle. Planes without an answer are left out."""
    answers = in_planes("manifold.gride", snapshot, view)
    if isinstance(answers, Missing):
        return answers
    known = [answer[str(n1)] for answer in answers if isinstance(answer, Mapping) and str(n1) in answer]
    return float(np.median(known)) if known else Missing("no key frequency")

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
    """Median, over the planes of the key frequencies, of the dimension by Gride of the view's site in the plane.

    n1: Gride compares the distances to the n1-th and the 2 n1-th neighbour. 1: a circle, 2: a filled disc. Planes
    without an answer are left out.
    """
    answers = in_planes("manifold.gride", snapshot, view)
    if isinstance(answers, Missing):
        return answers
    known = [curve[str(n1)] for curve in answers if isinstance(curve, Mapping) and str(n1) in curve]
    return float(np.median(known)) if known else Missing(f"Gride has no answer at n1 = {n1} in any plane")

"""The planes of key frequencies in which a view has one loop."""

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.analyses.planes import in_planes
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="the project's definition", cost="asked", needs=("cyclic",))
def plane_circles(snapshot: Snapshot, view: str = "resid_mid/class_means") -> float | Missing:
    """Share of the key frequencies in whose plane the view's site has b1 = 1 (`manifold.betti`).

    1: the site is a circle in every plane. Planes without an answer are left out.
    """
    answers = in_planes("manifold.betti", snapshot, view)
    if isinstance(answers, Missing):
        return answers
    return float(np.mean([np.asarray(numbers)[1] == 1 for numbers in answers]))

"""Betti numbers of a view."""

import numpy as np
from numpy.typing import NDArray

from grokscope.errors import Missing, first_missing
from grokscope.measures.analyses.views import betti_of
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Bobrowski & Skraba 2023, doi:10.1038/s41598-023-37842-2, with surrogates; docs/decisions/0011.md",
    cost="final",
    axis="dimension",
    variants=({"view": "embed/tokens"}, {"view": "resid_mid/class_means"}),
)
def betti(
    snapshot: Snapshot,
    view: str = "resid_mid/class_means",
    *,
    max_dimension: int = 1,
    level: float = 0.05,
    surrogates: int = 20,
    landmarks: int = 300,
    seed: int = 0,
) -> NDArray[np.float64] | Missing:
    """b_0, b_1, ... of the view: the numbers of bars significant at `level` against clouds of the same spectrum.

    A view of more than `landmarks` points is thinned to that number three times; the answer is the most frequent one.
    A zero means "none" or "not detectable": `numerics.topology.betti` gives the weakest detectable bar.
    """
    persistent = betti_of(
        snapshot, view, max_dimension, level=level, surrogates=surrogates, n_landmarks=landmarks, seed=seed
    )
    if isinstance(persistent, Missing):
        return persistent
    missing = first_missing(*persistent.numbers)
    return np.array(persistent.numbers, dtype=np.float64) if missing is None else missing

"""Curves of very many points, thinned so that no spike is lost on either scale of the step axis."""

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

BUCKETS = 400  # of each scale: a figure is about twice as many pixels wide
FEW = 4 * BUCKETS  # curves up to this length stay as they are


def thinned(steps: NDArray[np.int64], values: NDArray[np.float64]) -> Bool[np.ndarray, " point"]:
    """Which points to draw: the least and the largest of every bucket of equal width, on a linear and on a logarithmic
    axis; both ends; and both edges of every gap. steps: ascending."""
    if len(steps) <= FEW:
        return np.ones(len(steps), dtype=bool)
    finite = np.isfinite(values)
    kept = np.zeros(len(steps), dtype=bool)
    kept[[0, -1]] = True
    kept[1:] |= finite[1:] != finite[:-1]
    kept[:-1] |= finite[1:] != finite[:-1]
    places = np.flatnonzero(finite)
    for scaled in (steps[places].astype(float), np.log(np.maximum(steps[places], 1))):
        if not len(places) or scaled[-1] <= scaled[0]:
            continue
        bucket = (BUCKETS * (scaled - scaled[0]) / (scaled[-1] - scaled[0])).astype(int).clip(max=BUCKETS - 1)
        order = np.lexsort((values[places], bucket))
        first = np.r_[True, bucket[order][1:] != bucket[order][:-1]]
        kept[places[order[first]]] = True
        kept[places[order[np.r_[first[1:], True]]]] = True
    return kept

"""Clock or pizza? The verdict of Zhong et al. 2023, arXiv:2306.17844, from their two measures."""

import math
from typing import Any, Literal

from grokscope.errors import Missing, first_missing, require_finite

Algorithm = Literal["clock", "pizza", "neither"]


def algorithm(
    gradient_symmetricity: float | Missing,
    distance_irrelevance: float | Missing,
    circularity: float | Missing | None = None,
    *,
    min_symmetricity: float = 0.98,
    max_irrelevance: float = 0.6,
    min_circularity: float = 0.995,
) -> Algorithm | Missing:
    """Which algorithm adds on the circle, by two thresholds.

        pizza    gradient_symmetricity > min_symmetricity   and distance_irrelevance < max_irrelevance
        clock    gradient_symmetricity <= min_symmetricity  and distance_irrelevance >= max_irrelevance
        neither  the measures contradict each other, or the embedding is not circular

    The thresholds are the labels behind the paper's phase line. By its text, a low distance irrelevance speaks for the
    pizza, and a high gradient symmetricity against the clock. Symmetricity of a clock needs 1000 triples or more.
    circularity: below min_circularity the paper's measures say nothing of the network (two thirds of the published
    one-layer networks are not circular). None: not tested.

    If a measure is `Missing`, that is the answer. ValueError for NaN and for measures outside [-1, 1] and [0, 1].
    """
    require_finite(min_symmetricity=min_symmetricity, max_irrelevance=max_irrelevance, min_circularity=min_circularity)
    if (missing := first_missing(gradient_symmetricity, distance_irrelevance, circularity)) is not None:
        return missing
    symmetricity = _within("gradient_symmetricity", gradient_symmetricity, -1.0)
    irrelevance = _within("distance_irrelevance", distance_irrelevance, 0.0)
    if circularity is not None and _within("circularity", circularity, 0.0) < min_circularity:
        return "neither"
    symmetric, irrelevant = symmetricity > min_symmetricity, irrelevance >= max_irrelevance
    if symmetric == irrelevant:
        return "neither"
    return "pizza" if symmetric else "clock"


def _within(name: str, value: Any, low: float) -> float:
    # Means of cosines and ratios of deviations may pass their bounds by rounding.
    if math.isnan(value) or not low - 1e-6 <= value <= 1 + 1e-6:
        raise ValueError(f"{name} must lie in [{low:g}, 1], got {value}")
    return value

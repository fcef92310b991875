"""Clouds of points as the numerics take them: anybody's array or tensor, checked once."""

from typing import Any

import numpy as np
from jaxtyping import Float


def cloud(points: Any, *, centre: bool = True, what: str = "points") -> Float[np.ndarray, "point channel"]:
    """The points as float64 rows, centred, and divided by a power of two that brings the largest coordinate near 1.

    Distances between the rows keep their ratios: the division is exact, so clouds of 1e-200 or 1e200 neither underflow
    nor overflow when squared. centre=False leaves the values as they are. what: the name that errors call them by.

    Raises ValueError for anything but a two-dimensional array of finite real numbers.
    """
    if hasattr(points, "detach"):
        points = points.detach().cpu()
        points = points.double() if points.is_floating_point() else points
    array = np.asarray(points)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{what} must be real numbers, got an array of {array.dtype}")
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"{what} must have the shape (points, channels), got {array.shape}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must be finite; there are NaN or infinite values among them")
    if not centre or len(array) == 0:
        return array
    array = _near_one(array)
    return _near_one(array - array.mean(0))


def _near_one(array: Float[np.ndarray, "point channel"]) -> Float[np.ndarray, "point channel"]:
    """The array divided by the power of two just above its largest magnitude."""
    _, exponent = np.frexp(np.abs(array).max())
    return np.ldexp(array, -int(exponent))

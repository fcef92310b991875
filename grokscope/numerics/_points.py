"""Numbers and clouds of points as the numerics take them: anybody's array or tensor, checked once."""

from typing import Any

import numpy as np
from jaxtyping import Float


def real(values: Any, name: str) -> Float[np.ndarray, "..."]:
    """The values as float64: of any real dtype, from an array, a tensor or lists.

    Raises ValueError for anything but finite real numbers; an imaginary part is not dropped, even where it is 0.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.double() if values.is_floating_point() else values
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be real numbers, got an array of {array.dtype}")
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; there are NaN or infinite values among them")
    return array


def in_units(array: Float[np.ndarray, "*shape"]) -> tuple[Float[np.ndarray, "*shape"], int]:
    """The array over 2^e, and e: the power of two just above its largest magnitude, 2^0 where there is none.

    The division is exact, so that values of 1e-200 or 1e200 neither underflow nor overflow when squared.
    """
    exponent = int(np.frexp(np.abs(array).max(initial=0.0))[1])
    return np.ldexp(array, -exponent), exponent


def back(array: Any, exponent: int) -> Any:
    """Times 2^exponent; beyond the largest double the result is infinite."""
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(array, exponent)


def cloud(points: Any, *, centre: bool = True, what: str = "points") -> Float[np.ndarray, "point channel"]:
    """The points as float64 rows, centred, and divided by a power of two that brings the largest coordinate near 1.

    Distances between the rows keep their ratios: the division is exact, so clouds of 1e-200 or 1e200 neither underflow
    nor overflow when squared. centre=False leaves the values as they are. what: the name that errors call them by.

    Raises ValueError for anything but a two-dimensional array of finite real numbers.
    """
    array = real(points, what)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"{what} must have the shape (points, channels), got {array.shape}")
    if not centre or len(array) == 0:
        return array.copy()
    array = in_units(array)[0]
    return in_units(array - array.mean(0))[0]

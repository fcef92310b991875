"""Anybody's numbers as a series in float64: lists, arrays, tensors, columns of tables, with blanks or without.

NaN means "not evaluated". None, an empty or masked cell and pandas's NA become NaN.
"""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

Steps: TypeAlias = Int[np.ndarray, "evaluation"]
Values: TypeAlias = Float[np.ndarray, "evaluation"]
Curve: TypeAlias = tuple[Steps, Values]

# A mean of ones may exceed 1 by the rounding of half precision, not by more: 1.03 is chance in per cent (p = 97).
LARGEST_ACCURACY = 1.001
# Steps are whole numbers of 64 bits, below this.
LARGEST_STEP = 2**63
# Texts of cells without a value.
BLANKS = ("", "na", "n/a", "nan", "none", "null", "-", "<na>")
NOT_EVALUATED = "NaN means not evaluated"


def as_series(name: str, series: ArrayLike) -> Values:
    """Anybody's series in float64; ValueError, which names it, unless it has one dimension and holds numbers."""
    values = _numbers(name, series)
    if values.ndim != 1:
        raise ValueError(f"{name} has shape {values.shape}: expected one dimension, one value an evaluation")
    return values


def as_shares(name: str, series: ArrayLike) -> Values:
    """A series of accuracies: shares of 1, NaN where there is none; ValueError for anything else, such as per cent."""
    values = as_series(name, series)
    known = values[np.isfinite(values)]
    if (known > LARGEST_ACCURACY).any():
        raise ValueError(
            f"{name} reaches {known.max():g}: expected shares of 1; divide per cent by 100, or clip what a smoothing "
            "overshoots"
        )
    if (known < 1 - LARGEST_ACCURACY).any():
        raise ValueError(f"{name} falls to {known.min():g}: expected shares of 1; {NOT_EVALUATED}")
    return values


def as_steps(series: ArrayLike) -> Steps:
    """Anybody's steps; ValueError unless they are whole and strictly increasing."""
    values = as_series("steps", series)
    whole = np.rint(values)
    # linspace misses whole numbers by rounding: one part in 1e9 is far below any two steps' distance.
    odd = ~(np.isfinite(values) & np.isclose(values, whole, rtol=1e-9, atol=1e-9))
    if odd.any():
        raise ValueError(f"steps contain {values[odd][0]}: expected whole numbers of steps; round them first")
    steps = _whole(series, whole)
    falls = np.flatnonzero(steps[1:] <= steps[:-1])
    if falls.size:
        before, after = steps[falls[0] : falls[0] + 2]
        raise ValueError(f"steps go from {before} to {after}: expected strictly increasing; sort them, drop repeats")
    return steps


def align(curves: Mapping[str, Curve]) -> tuple[list[int], dict[str, list[float]]]:
    """Curves (steps, values) evaluated at different steps, on all of their steps; NaN where one has no value."""
    tables = {name: dict(zip(at.tolist(), values.tolist(), strict=True)) for name, (at, values) in curves.items()}
    steps = sorted(set().union(*tables.values()))
    return steps, {name: [table.get(step, np.nan) for step in steps] for name, table in tables.items()}


def number(cell: Any) -> float:
    """A cell of a table as a float, NaN where it is blank; ValueError, TypeError or OverflowError for anything else."""
    if hasattr(cell, "detach"):  # a tensor; numpy knows neither one that requires grad nor bfloat16
        cell = cell.detach().cpu().tolist()
    if cell is None or type(cell).__name__ in ("NAType", "MaskedConstant"):
        return np.nan
    if isinstance(cell, bytes):
        cell = cell.decode()
    if isinstance(cell, str) and cell.strip().lower() in BLANKS:
        return np.nan
    return float(cell)


def _numbers(name: str, series: Any) -> Values:
    """In float64, in its own shape; ValueError for other than numbers, and for numbers that no float holds."""
    if isinstance(series, str | bytes | Mapping):
        raise ValueError(f"{name} is a {type(series).__name__}: expected numbers, one an evaluation; {NOT_EVALUATED}")
    try:
        plain = series.detach().cpu().tolist() if hasattr(series, "detach") else series
        if isinstance(plain, np.ma.MaskedArray):
            return np.asarray(np.ma.filled(plain.astype(np.float64), np.nan))
        if not hasattr(plain, "__array__") and isinstance(plain, Iterable):
            plain = list(plain)
        return _cast(plain)
    except (TypeError, ValueError, OverflowError, RuntimeError, NotImplementedError) as error:
        cause = " ".join(str(error).split())
        raise ValueError(f"{name} is no series of numbers ({cause}); {NOT_EVALUATED}") from None


def _cast(plain: Any) -> Values:
    if hasattr(plain, "__array__"):
        array = np.asarray(plain)
        if array.dtype.kind in "biuf":
            with np.errstate(over="ignore"):  # a wider float may become infinite
                return array.astype(np.float64)
        if array.dtype.kind not in "OUS":
            raise TypeError(f"its numbers are of dtype {array.dtype}")
        if array.ndim != 1:
            return array.astype(np.float64)
        plain = array
    else:
        try:  # a list of numbers, by far the most frequent case
            return np.asarray(plain, dtype=np.float64)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            pass
    return np.array([_cell(index, cell) for index, cell in enumerate(plain)], dtype=np.float64)


def _cell(index: int, cell: Any) -> float:
    try:
        return number(cell)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise ValueError(f"value {index} is {cell!r:.60}: {error}") from None


def _whole(series: Any, rounded: Values) -> Steps:
    """The steps in int64, taken directly where they came as integers: float64 holds only those below 2^53 exactly."""
    plain = series.tolist() if hasattr(series, "tolist") else series
    exact = isinstance(plain, list | tuple | range) and all(isinstance(step, Integral) for step in plain)
    whole: Sequence[Any] = plain if exact else rounded.tolist()
    if beyond := [step for step in whole if not -LARGEST_STEP <= step < LARGEST_STEP]:
        raise ValueError(f"steps contain {beyond[0]:g}: expected whole numbers below 2^63")
    return np.array(whole, dtype=np.int64)

"""The error tree, and the value that stands for "no answer".

    ValueError            a bad argument, option or field (exit code 2 at the command line)
    GrokscopeError        everything else that can go wrong (exit code 1)
    └── StoreError        a run cannot be read or written: not a store, torn, truncated, read-only, full, in use

A message says what came, what was expected and what to do. A question without an answer is not an error: it is
`Missing`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class GrokscopeError(Exception):
    """Base of the errors that grokscope raises for reasons other than a bad argument."""


class StoreError(GrokscopeError):
    """A run in the store cannot be read or written."""


@dataclass(frozen=True)
class Missing:
    """What a measure returns when it has no answer, with the reason; never NaN and never 0."""

    reason: str

    def __bool__(self) -> bool:
        return False


def first_missing(*values: object) -> Missing | None:
    """The first of some answers that is none; None where all are there."""
    return next((value for value in values if isinstance(value, Missing)), None)


def of_all(of: Callable[..., T], *values: Any) -> T | Missing:
    """What a function makes of some answers; the first `Missing` of these where one is none."""
    missing = first_missing(*values)
    return of(*values) if missing is None else missing


def require_finite(**thresholds: float | None) -> None:
    """ValueError, which names it, for a threshold that is NaN or infinite: everything compares false with NaN, and a
    question so asked has an answer that looks like any other. None: not asked."""
    for name, value in thresholds.items():
        if value is not None and not math.isfinite(value):
            raise ValueError(f"{name} = {value}: expected a finite number")

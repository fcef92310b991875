"""The error tree, and the value that stands for "no answer".

    ValueError            a bad argument, option or field (exit code 2 at the command line)
    GrokscopeError        everything else that can go wrong (exit code 1)
    ├── StoreError        a run cannot be read or written: not a store, torn, truncated, read-only, full, in use
    └── MissingPlugin     a component of a run comes from a plugin that this process has not loaded

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


class MissingPlugin(GrokscopeError):
    """A component of a run is not known here: it comes from a plugin that this process has not loaded."""


@dataclass(frozen=True)
class Missing:
    """The answer of a measure that has none, with the reason. Never NaN, never 0."""

    reason: str

    def __bool__(self) -> bool:
        return False


def first_missing(*values: object) -> Missing | None:
    """The first `Missing` among the values; None if there is none."""
    return next((value for value in values if isinstance(value, Missing)), None)


def of_all(of: Callable[..., T], *values: Any) -> T | Missing:
    """`of(*values)`, or the first `Missing` among the values."""
    missing = first_missing(*values)
    return of(*values) if missing is None else missing


def require_finite(**thresholds: float | None) -> None:
    """ValueError, with the name, for a threshold that is NaN or infinite: every comparison with NaN is false, so the
    answer would look like any other. None: no threshold."""
    for name, value in thresholds.items():
        if value is not None and not math.isfinite(value):
            raise ValueError(f"{name} = {value}: expected a finite number")

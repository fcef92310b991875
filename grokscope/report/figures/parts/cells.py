"""Axes with one place a value."""

from collections.abc import Sequence
from typing import Any


def axis(values: Sequence[Any], name: str) -> dict[str, Any]:
    """One place a value, as options of a plotly axis."""
    places = list(range(len(values)))
    return {
        "title": {"text": name}, "tickvals": places, "ticktext": [axis_label(value) for value in values],
        "range": [-0.5, len(values) - 0.5], "showgrid": False,
    }  # fmt: skip


def axis_label(value: Any) -> str:
    """A value of an axis."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def axis_order(value: Any) -> tuple[int, Any]:
    """Numbers by size, then names, then what is not set."""
    return (2, 0) if value is None else (0, value) if isinstance(value, int | float) else (1, str(value))

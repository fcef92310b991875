"""Answers in JSON. A number that is not finite is null: browsers know no NaN."""

import json
from typing import Any

import numpy as np
from starlette.responses import Response

from grokscope.runs.store.jsonl import finite
from grokscope.statistics.series import Curve


def answer(value: Any) -> Response:
    """A JSON object."""
    return Response(json.dumps(finite(value), allow_nan=False, separators=(",", ":")), media_type="application/json")


def numbers(curve: Curve) -> dict[str, list[Any]]:
    """A curve for the browser."""
    steps, values = curve
    return {"x": steps.tolist(), "y": values_of(values)}


def values_of(values: np.ndarray) -> list[float | None]:
    """Values with null for what is not finite."""
    return [
        value if known else None for value, known in zip(values.tolist(), np.isfinite(values).tolist(), strict=True)
    ]

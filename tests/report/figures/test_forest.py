"""Bars of a scorecard point to the region that the effect lies in."""

from typing import Any

import pytest
from grokscope.report.figures.sureness import sureness

from grokscope.errors import Missing
from grokscope.predictions.cards import Row


def row(effect: float | None, adjusted: float | None, verdict: Any = "undecided") -> Row:
    text: Any = {"en": "claim", "zh": "主张"}
    return Row(
        theory="manifold", id=f"row.{effect}", part="", version=1, claim=text, measured=text, changed=None, arms=(),
        measures=(), supports=((0.5, float("inf")),), refutes=((float("-inf"), 0.0),), reason="inside", effect=effect,
        adjusted=adjusted, verdict=verdict,
    )  # fmt: skip


def example() -> list[Row]:
    """Data to draw, for the contract of all figures."""
    return [row(1.0, 1e-3, "supported"), row(-1.0, 1e-2, "refuted"), row(0.2, 0.9), row(None, None)]


def test_a_bar_is_as_long_as_the_row_is_sure() -> None:
    figure: Any = sureness(example())
    bars = {name: x for trace in figure.data for name, x in zip(trace.y, trace.x, strict=True)}
    assert bars == pytest.approx({"row.1.0": 3, "row.-1.0": -2, "row.0.2": 0})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_rows_that_were_not_tested_have_no_bars(lang: Any) -> None:
    assert isinstance(sureness([row(None, None)], lang), Missing)

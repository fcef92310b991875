"""Groups of runs over each other are drawn as they are."""

from typing import Any

import numpy as np
import pytest

from grokscope.report.figures.compared import Band, Compared, Group, compared

STEPS = np.array([0, 10, 100, 1000])


def band(*values: float) -> Band:
    median = np.array(values)
    return Band(steps=STEPS, median=median, low=median - 0.1, high=median + 0.1)


def example() -> Compared:
    groups = [
        Group(name="weight_decay = 1", n=3, train=band(0.1, 0.5, 1, 1), test=band(0.1, 0.1, 0.4, 1)),
        Group(name="weight_decay = 0", n=1, train=band(0.1, 0.6, 1, 1), test=band(0.1, 0.1, np.nan, 0.2)),
    ]
    return Compared(groups=groups, quantity="accuracy", inputs="fresh")


def test_a_line_is_the_median_and_a_single_run_has_no_band() -> None:
    figure: Any = compared(example())
    lines = {(trace.name, trace.yaxis): trace for trace in figure.data if trace.fill is None}
    assert list(lines["weight_decay = 1", "y"].x) == [10, 100, 1000]  # step 0 has no place on a logarithmic axis
    assert list(lines["weight_decay = 1", "y"].y) == [0.1, 0.4, 1]
    assert list(lines["weight_decay = 0", "y"].x) == [10, 1000]
    bands = [trace for trace in figure.data if trace.fill is not None]
    assert {trace.legendgroup for trace in bands} == {"weight_decay = 1"}
    assert list(bands[0].y) == pytest.approx([0.2, 0.5, 1.1, 0.9, 0.3, 0.0])


def test_groups_differ_by_more_than_colour() -> None:
    figure: Any = compared(example())
    looks = {(trace.line.color, trace.line.dash) for trace in figure.data if trace.fill is None}
    assert len({colour for colour, _ in looks}) == len({dash for _, dash in looks}) == 2


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one group"):
        compared(Compared(groups=[], quantity="accuracy", inputs="test"))

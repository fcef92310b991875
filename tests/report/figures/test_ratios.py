"""What the figure of ratios shows of a race whose answer is known."""

import math
from typing import Any

import pytest

from grokscope.errors import Missing
from grokscope.report.figures.ratios import Ratios, ratios
from tests.report.figures.drawn import trace


def example() -> dict[str, Ratios]:
    """One arm with all of its pairs, and one of which a pair is a bound and the median not known."""
    return {
        "muon": Ratios(pairs=[(2.0, 2.0), (4.0, 4.0), (8.0, 8.0)], median=(4.0, 4.0), ends=(2.0, 8.0), published=1.5),
        "adam_no_decay": Ratios(pairs=[(0.0, 0.1), (0.0, 0.2), (0.0, math.inf)], median=(0.0, 0.2), ends=(0.0, 0.2)),
    }


def test_pairs_bounds_and_intervals_stand_where_they_are() -> None:
    figure: Any = ratios(example())
    assert trace(figure, "one seed").x == (2.0, 4.0, 8.0)
    assert [round(y) for y in trace(figure, "one seed").y] == [0, 0, 0]
    bounds = trace(figure, "one seed, at least or at most")
    assert bounds.x == (0.1, 0.2)  # the pair of which nothing is known is not drawn
    assert [round(y) for y in bounds.y] == [-1, -1]
    bars = trace(figure, "its interval")
    assert bars.x[:3] == (2.0, 8.0, None)
    assert bars.x[3] == pytest.approx(10 ** figure.layout.xaxis.range[0])  # an open end reaches the edge
    assert bars.x[4] == 0.2
    assert trace(figure, "median of the seeds").x == (4.0,)
    assert trace(figure, "published factor").x == (1.5,)
    assert list(figure.layout.yaxis.ticktext) == ["muon", "adam_no_decay"]


def test_everything_lies_within_the_axis() -> None:
    figure: Any = ratios(example())
    low, high = (10**end for end in figure.layout.xaxis.range)
    known = [x for one in figure.data for x in one.x if x is not None]
    assert low <= min(known) * (1 + 1e-9)
    assert max(known) <= high * (1 + 1e-9)


def test_without_an_arm_it_says_so() -> None:
    assert isinstance(ratios({}), Missing)

"""The figure of sizes draws dwell times and the order parameter."""

from typing import Any

import numpy as np
import pytest

from grokscope.report.figures.finite_size import Size, finite_size


def example() -> dict[int, Size]:
    """Data to draw, for the contract of all figures."""
    return {
        17: Size(dwell=[0.3, 0.5, 0.4], order=np.array([0.01, 0.01, 0.99, 0.5])),
        31: Size(dwell=[0.1], order=np.array([0.01, 0.99])),
        59: Size(dwell=[], order=np.array([0.99])),
    }


def test_sizes_have_a_mark_a_seed_their_median_and_shares_that_add_up_to_1() -> None:
    figure: Any = finite_size(example())
    marks = {trace.name: list(trace.y) for trace in figure.data if trace.mode == "markers"}
    assert marks == {"p = 17": [0.3, 0.5, 0.4], "p = 31": [0.1]}
    (median,) = [trace for trace in figure.data if trace.name == "median of seeds"]
    assert (list(median.x), list(median.y)) == ([17, 31], [0.4, 0.1])
    shares = [trace for trace in figure.data if trace.xaxis == "x2"]
    assert [sum(trace.y) for trace in shares] == pytest.approx([1, 1, 1])
    assert [trace.showlegend for trace in shares] == [False, False, True]  # a size is once in the legend
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]


def test_one_size_is_no_scaling() -> None:
    with pytest.raises(ValueError, match="two values of p or more, got 1"):
        finite_size({17: example()[17]})

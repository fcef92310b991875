"""The survival figure draws the numbers of its curves."""

from typing import Any

import numpy as np
import pytest

from grokscope.report.figures.survival import survival
from grokscope.statistics.survival import Curve, kaplan_meier


def example() -> dict[str, Curve]:
    """Data to draw, for the contract of all figures."""
    return {
        "no bottleneck": kaplan_meier([400, 500, 500, 500, 700, 1000], [True, True, True, False, False, False]),
        "rank 2": kaplan_meier([200, 300, 400, 600], [True] * 4),
        "rank 1": kaplan_meier([1000] * 3, [False] * 3),
    }


@pytest.fixture
def curves() -> dict[str, Curve]:
    return example()


def drawn(figure: Any, name: str) -> tuple[Any, Any, Any]:
    """Band, curve and marks of one arm."""
    return tuple(trace for trace in figure.data if trace.legendgroup == name)  # pyright: ignore


def test_each_arm_is_a_staircase_of_its_shares(curves: dict[str, Curve]) -> None:
    figure: Any = survival(curves)
    names = list(curves)
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == names
    for name, curve in zip(names, curves.values(), strict=True):
        _, line, _ = drawn(figure, name)
        assert list(line.x[1:]) == curve.times.tolist()
        assert list(line.y) == [1.0, *curve.survival.tolist()]
        assert line.line.shape == "hv"
        assert 0 < line.x[0] < 200
    assert {trace.type for trace in figure.data} == {"scatter"}


def test_marks_stand_where_runs_are_censored(curves: dict[str, Curve]) -> None:
    figure: Any = survival(curves)
    marks = [drawn(figure, name)[2] for name in ("no bottleneck", "rank 2", "rank 1")]
    assert [(list(mark.x), list(mark.y)) for mark in marks] == [
        ([500, 700, 1000], pytest.approx([0.5, 0.5, 0.5])), ([], []), ([1000], [1]),
    ]  # fmt: skip


def test_the_band_holds_low_and_high_from_each_time_to_the_next(curves: dict[str, Curve]) -> None:
    figure: Any = survival(curves)
    for name, curve in zip(("no bottleneck", "rank 2"), curves.values(), strict=False):
        band, line, _ = drawn(figure, name)
        assert band.fill == "toself"
        x, y = np.array(band.x), np.array(band.y)
        for i, (start, end) in enumerate(zip(curve.times[:-1], curve.times[1:], strict=True)):
            inside = (start + end) / 2
            crossings = sorted(y[k] for k in range(len(x) - 1) if min(x[k], x[k + 1]) <= inside <= max(x[k], x[k + 1]))
            assert crossings == pytest.approx([curve.low[i], curve.high[i]])
        assert band.fillcolor == line.line.color


def test_axes_and_colours(curves: dict[str, Curve]) -> None:
    figure: Any = survival(curves)
    assert figure.layout.xaxis.type == "log"
    low, high = figure.layout.xaxis.range
    assert 10**low < 200
    assert 1000 < 10**high < 1100
    assert figure.layout.yaxis.title.text == "runs not yet generalised"
    many: Any = survival(dict.fromkeys(map(str, range(1, 20)), curves["rank 2"]))
    assert len(many.data) == 57
    colours = [trace.line.color for trace in figure.data if trace.name]
    assert len(set(colours)) == 3


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one curve"):
        survival({})
    with pytest.raises(ValueError, match="above 0 for a logarithmic axis, got 0"):
        survival({"1": kaplan_meier([0, 5], [True, True])})

"""The plane of clock and pizza shows the measured numbers, and says what they amount to."""

from typing import Any

import numpy as np
import pytest

from grokscope.report.figures import clock_pizza
from grokscope.report.figures.gini import gini
from grokscope.report.run.readings import Readings, from_numbers, read
from grokscope.runs.run import Run

STEPS = np.array([0, 20, 40, 60])
GS, DI, CIRCULARITY = "circuits.gradient_symmetricity", "circuits.distance_irrelevance", "circuits.circularity"


def plane(run: Run, gs: Any, di: Any, **more: Any) -> Readings:
    """Readings with the two measures of clock and pizza given at STEPS."""
    given = {(GS, ""): gs, (DI, "variant=correct"): di} | {
        {"runner_up": (DI, "variant=runner_up"), "circularity": (CIRCULARITY, "")}[name]: values
        for name, values in more.items()
    }
    return from_numbers(run, {key: (STEPS, np.asarray(values, dtype=float)) for key, values in given.items()})


def test_the_run_goes_through_the_plane(measured_run: Run) -> None:
    symmetric, distance = [0.999, 0.9, 0.5, -0.5], [0.99, 0.95, 0.9, 0.7]
    figure: Any = clock_pizza.clock_pizza(plane(measured_run, symmetric, distance, runner_up=[0.9, 0.9, 0.9, 0.8]))
    traces = {trace.name: trace for trace in figure.data if trace.name}
    run = traces["this run"]
    assert list(run.x) == distance
    assert list(run.y) == pytest.approx([3, 1, 0.30103, -0.17609], abs=1e-4)
    assert tuple(run.customdata[0]) == ("0", 0.999)
    assert list(traces["its end, by the largest wrong logit"].x) == [0.7, 0.8]
    ends = figure.data[-1]
    assert list(ends.text) == ["step 0", "step 60"]
    assert list(ends.x) == [0.99, 0.7]
    assert ends.marker.size[-1] > ends.marker.size[0]
    low, high = figure.layout.yaxis.range
    assert low < -0.17609
    assert high > 3
    ticks = dict(zip(figure.layout.yaxis.ticktext, figure.layout.yaxis.tickvals, strict=True))
    assert ticks["0.99"] == pytest.approx(2)


def test_published_networks_stand_on_their_side_of_the_thresholds(measured_run: Run) -> None:
    figure: Any = clock_pizza.clock_pizza(plane(measured_run, [0.5] * 4, [0.9] * 4))
    rectangles = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    pizza, clock = rectangles
    assert (pizza.x1, pizza.y0) == (clock.x0, clock.y1) == (0.6, pytest.approx(clock_pizza.height(0.98)))
    for name, x, s in clock_pizza.PUBLISHED:
        box = clock if name == "most_attention" else pizza
        assert box.x0 <= x <= box.x1
        assert box.y0 <= clock_pizza.height(s) <= box.y1
    names = [note.text for note in figure.layout.annotations]
    assert names == ["pizza", "clock", "neither", "neither"]


@pytest.mark.parametrize(
    ("symmetric", "distance", "word"), [(0.5, 0.8, "a clock"), (0.995, 0.2, "a pizza"), (0.995, 0.8, "contradict")]
)
def test_the_verdict_is_said_with_its_numbers(measured_run: Run, symmetric: float, distance: float, word: str) -> None:
    readings = plane(measured_run, [0.1, 0.1, 0.1, symmetric], [0.5, 0.5, 0.5, distance], circularity=[1] * 4)
    (said,) = clock_pizza.clock_pizza.notes(readings, "en")
    assert word in said
    assert f"{symmetric:g}" in said
    assert f"{distance:g}" in said
    assert "circular" not in said
    assert clock_pizza.verdict(plane(measured_run, [0.5] * 4, [0.9] * 4), "zh")[0].startswith("按这两个阈值")


def test_what_is_not_circular_gets_a_caveat(measured_run: Run) -> None:
    readings = plane(measured_run, [0.5] * 4, [0.9] * 4, circularity=[1, 1, 1, 0.9])
    assert "circularity 0.9, below 0.995" in str(clock_pizza.verdict(readings, "en"))
    assert "圆度 0.9，低于 0.995" in str(clock_pizza.verdict(readings, "zh"))


def test_without_the_numbers_there_is_no_verdict(measured_run: Run, random_run: Run) -> None:
    assert clock_pizza.verdict(from_numbers(measured_run, {}), "en") == []
    assert clock_pizza.verdict(read(random_run), "en") == []
    assert gini.notes(read(measured_run), "en") == []

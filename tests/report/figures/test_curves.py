"""The figures show what the numbers say."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.report.figures import grokking_curve, planes, spectrum
from grokscope.report.figures.base import figures
from grokscope.report.run.readings import Readings, from_numbers, read
from grokscope.report.run.sections.base import sections
from grokscope.report.words import catalogue
from grokscope.runs.run import Run

Staged = Callable[..., Readings]
ALL = [name for room in sections() for name in room.figures]
FIGURES = {name: figures()[name] for name in ALL}


def circle(p: int, k: int, radius: float = 1.0) -> np.ndarray:
    """Residues at the angles 2 pi k a/p, in the first two of four dimensions."""
    angle = 2 * np.pi * k * np.arange(p) / p
    return radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle, 0 * angle], axis=1)


@pytest.mark.parametrize(("p", "k"), [(11, 1), (11, 4), (59, 19), (12, 5)])
def test_a_circle_is_a_circle_of_unit_radius_in_its_plane(p: int, k: int) -> None:
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    table = circle(p, k) @ turn.T
    points = table @ planes.plane(table, k)
    angle = 2 * np.pi * k * np.arange(p) / p
    np.testing.assert_allclose(points, np.stack([np.cos(angle), np.sin(angle)], axis=1), atol=1e-9)


def test_another_frequency_lies_outside_the_plane() -> None:
    other = np.roll(circle(11, 2), 2, axis=1)  # in the other two dimensions
    table = circle(11, 4, radius=3.0) + other
    np.testing.assert_allclose(other @ planes.plane(table, 4), 0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(table @ planes.plane(table, 4), axis=1), 3.0, atol=1e-9)


def test_the_ring_joins_neighbours_on_the_circle() -> None:
    p, k = 11, 4
    table = circle(p, k)
    ring = planes._ring(table @ planes.plane(table, k), k, p)
    corners = np.stack([ring["x"], ring["y"]], axis=1)
    sides = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    np.testing.assert_allclose(sides, 2 * np.sin(np.pi / p), atol=2e-4)  # four digits are kept
    assert len(corners) == p + 1
    assert np.all(np.diff(ring["marker"]["color"][:-1]) > 0)


def test_the_slider_steps_are_the_checkpoints_and_end_at_the_last(measured_run: Run) -> None:
    readings = read(measured_run)
    figure: Any = planes.planes(readings)
    assert [frame.name for frame in figure.frames] == [str(step) for step in measured_run.checkpoints]
    assert [step.args[0][0] for step in figure.layout.sliders[0].steps] == [frame.name for frame in figure.frames]
    for shown, last in zip(figure.data, figure.frames[-1].data, strict=True):
        assert (shown.x, shown.y) == (last.x, last.y)
    reach = figure.layout.xaxis.range[1]
    assert all(max(map(abs, (*trace.x, *trace.y))) <= reach for frame in figure.frames for trace in frame.data)


def test_first_and_last_frame_are_the_weights_projected(measured_run: Run) -> None:
    figure: Any = planes.planes(read(measured_run))
    final = measured_run.snapshot().params["W_E"][:11].double().numpy()
    k = int(figure.layout.xaxis.title.text.removeprefix("k = "))
    for frame, step in ((figure.frames[0], 0), (figure.frames[-1], measured_run.checkpoints[-1])):
        table = measured_run.snapshot(step).params["W_E"][:11].double().numpy()
        points = (table @ planes.plane(final, k))[[a for a, _ in figure.data[0].customdata]]
        np.testing.assert_allclose(np.stack([frame.data[0].x, frame.data[0].y], axis=1), points, atol=1e-4)


def test_curves_are_the_measured_ones(measured_run: Run) -> None:
    figure: Any = grokking_curve.grokking_curve(read(measured_run))
    for split in ("train", "test", "twin", "fresh"):
        steps, values = measured_run.series(f"{split}/accuracy")
        trace = next(trace for trace in figure.data if trace.legendgroup == split and trace.yaxis == "y2")
        assert list(trace.x) == steps[steps > 0].tolist()
        assert list(trace.y) == values[steps > 0].tolist()


def test_spectrum_cells_stand_over_their_checkpoints(measured_run: Run) -> None:
    figure: Any = spectrum.spectrum(read(measured_run))
    heat = figure.data[0]
    steps = [step for step in measured_run.checkpoints if step > 0]
    assert len(heat.x) == len(steps) + 1
    assert len(heat.y) == 5 + 1
    assert all(left <= step <= right for left, step, right in zip(heat.x, steps, heat.x[1:], strict=False))
    _, values = measured_run.series("circuits.embedding_spectrum", view="frequency=3")
    np.testing.assert_array_equal(np.asarray(heat.z)[2], values[-len(steps) :])


def test_phases_are_shaded_where_they_are(staged: Staged) -> None:
    figure: Any = grokking_curve.grokking_curve(staged(memorised=100, generalised=3000))
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(100, 1500), (3000, 4000)]
    labels = [trace.text[0].strip() for trace in figure.data if trace.mode == "text"]
    assert set(labels) == {"memorised", "after"}
    lanes = [trace.y[0] for trace in figure.data if trace.mode == "text"]
    assert len(set(lanes)) == len(lanes)


def test_the_transition_is_that_of_fresh_inputs(staged: Staged) -> None:
    readings = staged(memorised=100, generalised=3000)
    rising = dict(readings.numbers)
    steps, _ = rising["behaviour.fresh_accuracy", ""]
    rising["behaviour.fresh_accuracy", ""] = (steps, np.clip((steps - 2000) / 1000, 0, 1))
    assert from_numbers(readings.run, rising).transition == (2100, 2900)
    del rising["behaviour.fresh_accuracy", ""]
    assert from_numbers(readings.run, rising).transition == (3000, 3000)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_figures_are_svg(name: str, lang: Any, measured_run: Run) -> None:
    figure: Any = FIGURES[name](read(measured_run), lang)
    assert {trace.type for trace in figure.data} <= {"scatter", "bar", "heatmap"}


@pytest.mark.parametrize("name", ALL)
def test_nothing_measured_is_a_reason_in_words(name: str, measured_run: Run) -> None:
    found = FIGURES[name](from_numbers(measured_run, {}), "en")
    # These need the weights alone.
    assert name in ("planes", "cloud", "diagram", "spectra", "neurons", "logits") or (
        isinstance(found, Missing) and found.reason in catalogue("en")
    )


def test_random_labels_have_no_frequencies(random_run: Run) -> None:
    readings = read(random_run)
    for name in (
        "planes",
        "circles",
        "spectrum",
        "progress_losses",
        "gini",
        "spectra",
        "neurons",
        "logits",
        "clock_pizza",
    ):
        assert FIGURES[name](readings, "en") == Missing("missing.random_labels")
    for name in ("grokking_curve", "cloud", "dimension", "diagram", "weight_norm", "attention_entropy"):
        assert not isinstance(FIGURES[name](readings, "en"), Missing)


def test_unmeasured_checkpoints_are_said(tiny_run: Run) -> None:
    assert FIGURES["spectrum"](read(tiny_run), "en") == Missing("missing.not_measured")
    assert FIGURES["progress_losses"](read(tiny_run), "en") == Missing("missing.not_measured")


def test_the_ends_of_the_circuits_phases_are_marked(staged: Staged) -> None:
    readings = staged(memorised=200, generalised=3000)
    steps = readings.numbers["behaviour.test_loss", ""][0]
    falling = np.interp(steps, [0, 1500, 2000, 2500], [4.0, 10.0, 10.0, 0.1])
    norm = np.interp(steps, [0, 2000, 3500], [3000.0, 2500.0, 700.0])
    numbers = {**readings.numbers, ("behaviour.test_loss", ""): (steps, falling)}
    numbers["weights.squared_norm", ""] = (steps, norm)
    figure: Any = FIGURES["progress_losses"](from_numbers(readings.run, numbers), "en")
    names = [trace.name for trace in figure.data]
    assert names[-3:] == ["memorisation ends: 1,500", "circuit formed: 2,275", "cleanup ends: 3,400"]
    assert [trace.x for trace in figure.data[-3:]] == [(1500, 1500), (2275, 2275), (3400, 3400)]
    del numbers["weights.squared_norm", ""]
    unmarked: Any = FIGURES["progress_losses"](from_numbers(readings.run, numbers), "en")
    assert [trace.name for trace in unmarked.data] == names[:-3]

"""A browser draws the report: all figures, without errors, without a network, at three widths."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grokscope.measures.base import evaluate
from grokscope.report.run.page import write_report
from grokscope.report.run.sections.base import sections
from grokscope.runs.run import Run

FIGURES = [name for room in sections() for name in room.figures]
POINTS = "document.querySelector('#planes .plot').data[0].x"
# Where Plotly drew the first point of the first plane, in pixels.
DRAWN = "document.querySelector('#planes .plot .scatterlayer .point').getAttribute('transform')"


@pytest.fixture(scope="module")
def file(measured_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(measured_run, tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture
def page(browser: Any, file: Path) -> Iterator[Any]:
    """The opened report; what it complained about and asked for is in `.noise`."""
    opened = browser.new_page(viewport={"width": 1400, "height": 900})
    opened.noise = []
    opened.on("console", lambda message: opened.noise.append(message.text))
    opened.on("pageerror", lambda error: opened.noise.append(str(error)))
    opened.on("request", lambda request: _note(opened.noise, request.url))
    opened.goto(file.as_uri())
    opened.wait_for_selector("html[data-drawn]", timeout=60_000)
    yield opened
    opened.close()


def test_all_figures_are_drawn_without_a_complaint(page: Any) -> None:
    assert page.locator(".plot").count() == len(FIGURES)
    assert page.locator(".plot .main-svg .traces, .plot .main-svg .hm").count() > len(FIGURES)
    for name in FIGURES:
        box = page.locator(f"#{name} .plot .main-svg").first.bounding_box()
        assert box["width"] > 600
        assert box["height"] > 300
    assert page.locator("canvas").count() == 0
    assert page.noise == []


def test_the_slider_moves_the_points(page: Any) -> None:
    last, drawn = page.evaluate(POINTS), page.evaluate(DRAWN)
    rail = page.locator("#planes .slider-rail-touch-rect")
    rail.scroll_into_view_if_needed()
    box = rail.bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    page.wait_for_function(f"{POINTS}.join() !== {last!r}.join()", timeout=10_000)
    first_frame = page.evaluate("document.querySelector('#planes .plot')._transitionData._frames[0].data[0].x")
    assert page.evaluate(POINTS) == first_frame
    assert page.evaluate(DRAWN) != drawn
    assert page.locator("#planes .slider-label").first.text_content() == "step 0"
    assert page.noise == []


def test_every_step_of_the_diagram_draws_its_own_loops(page: Any) -> None:
    """Their number changes from frame to frame, so points must come and go."""
    plot = "document.querySelector('#diagram .plot')"
    page.evaluate(f"Plotly.animate({plot}, ['0'], {plot}.layout.sliders[0].steps[0].args[1])")
    page.wait_for_function(f"{plot}.layout.sliders[0].active === 0", timeout=10_000)
    traces = page.evaluate(f"{plot}._transitionData._frames[0].data.map(trace => trace.x)")
    points = sum(x is not None for index, trace in enumerate(traces) if index % 4 < 3 for x in trace)
    drawn = "document.querySelectorAll('#diagram .plot .scatterlayer .point').length"
    page.wait_for_function(f"{drawn} === {points}", timeout=10_000)
    assert points > 0
    assert page.noise == []


def test_every_step_of_the_neurons_draws_its_own_dots(page: Any, measured_run: Run) -> None:
    """Tuned and other neurons change places from frame to frame, and come packed as bytes."""
    plot = "document.querySelector('#neurons .plot')"
    page.evaluate(f"Plotly.animate({plot}, ['0'], {plot}.layout.sliders[0].steps[0].args[1])")
    page.wait_for_function(f"{plot}.layout.sliders[0].active === 0", timeout=10_000)
    share = evaluate("circuits.neuron_explained", measured_run.snapshot(0), by_neuron=True)
    alive = int((np.asarray(share) > 0).sum())
    drawn = "document.querySelectorAll('#neurons .plot .scatterlayer .point').length"
    page.wait_for_function(f"{drawn} === {2 * alive}", timeout=10_000)  # in either panel
    tuned = int((np.asarray(share) > 0.85).sum())
    words = "[...document.querySelectorAll('#neurons .plot .textpoint')].map(text => text.textContent).join()"
    assert f"{tuned} of 32 neurons above 85%" in page.evaluate(words)
    assert page.noise == []


def test_panels_without_a_slider_leave_no_room_for_one(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    layout = "document.querySelector('#logits .plot')._fullLayout"
    page.wait_for_function(f"{layout}.width < 390 && {layout}.xaxis2.domain[0] < 0.6", timeout=10_000)
    width, height = page.evaluate(f"[{layout}.xaxis._length, {layout}.yaxis._length]")
    assert width == pytest.approx(height, rel=0.01)
    assert width > 120
    assert page.evaluate(f"{layout}.height") < 500


def test_the_two_clouds_stand_below_each_other_on_a_phone(page: Any) -> None:
    layout = "document.querySelector('#cloud .plot')._fullLayout"
    beside = page.evaluate(f"[{layout}.xaxis.domain[1], {layout}.xaxis2.domain[0]]")
    assert beside[0] < beside[1]
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_function(f"{layout}.width < 390 && {layout}.xaxis2.domain[0] < 0.2", timeout=10_000)
    width, height = page.evaluate(f"[{layout}.xaxis._length, {layout}.yaxis._length]")
    assert width == pytest.approx(height, rel=0.01)
    assert width > 250


@pytest.mark.parametrize("width", [390, 768, 1400])
def test_nothing_is_wider_than_the_page(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function(
        f"[...document.querySelectorAll('.plot .main-svg')].every(svg => svg.getBoundingClientRect().right <= {width})",
        timeout=10_000,
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_planes_are_square_on_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    layout = "document.querySelector('#planes .plot')._fullLayout"
    page.wait_for_function(f"{layout}.width < 390", timeout=10_000)
    width, height = page.evaluate(f"[{layout}.xaxis._length, {layout}.yaxis._length]")
    assert width == pytest.approx(height, rel=0.01)
    assert 130 < width < 180  # two in a row of 358 pixels


def _note(noise: list[str], url: str) -> None:
    if not url.startswith(("file:", "data:", "blob:")):
        noise.append(f"request: {url}")

"""A browser draws the report: all figures, without errors, without a network, at three widths."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grokscope.measures.base import evaluate
from grokscope.report.run.page import write_report
from grokscope.report.run.sections.base import sections
from grokscope.report.study import story
from grokscope.report.study.compare import write_comparison
from grokscope.runs.run import Run
from tests.report.conftest import staged_of
from tests.serve.looking import inaccessible

FIGURES = [name for room in sections() for name in room.figures]
POINTS = "document.querySelector('#planes .plot').data[0].x"
FIT = "[...document.querySelectorAll('.plot')].every(p => !p.clientWidth || p.clientWidth === p.layout.width)"
# Where Plotly drew the first point of the first plane, in pixels.
DRAWN = "document.querySelector('#planes .plot .scatterlayer .point').getAttribute('transform')"


@pytest.fixture(scope="module")
def file(measured_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(measured_run, tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="module")
def opened(browser: Any, file: Path) -> Iterator[Any]:
    """The opened report, all figures drawn; what it complained about and asked for is in `.noise`."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.noise = []
    page.on("console", lambda message: page.noise.append(message.text))
    page.on("pageerror", lambda error: page.noise.append(str(error)))
    page.on("request", lambda request: _note(page.noise, request.url))
    page.goto(file.as_uri())
    page.evaluate("grokscope.drawAll()")
    page.wait_for_selector("html[data-drawn]", timeout=60_000)
    yield page
    page.close()


@pytest.fixture(scope="module")
def every(
    opened: Any, browser: Any, measured_run: Run, random_run: Run, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The report; a comparison, and a story of made-up curves, opened with their figures drawn."""
    folder = tmp_path_factory.mktemp("every")
    files = {"comparison": write_comparison([measured_run, random_run], folder / "side.html", plotly="folder")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(story, "read", lambda _: staged_of(measured_run, memorised=100, generalised=3000))
        files["story"] = story.write_story(measured_run, folder / "story.html", plotly="folder")
    pages = {name: browser.new_page() for name in files}
    for name, page in pages.items():
        page.goto(files[name].as_uri())
        page.evaluate("grokscope.drawAll()")
        page.wait_for_selector("html[data-drawn]", timeout=60_000)
    yield {"report": opened, **pages}
    for page in pages.values():
        page.close()


@pytest.fixture
def page(opened: Any) -> Any:
    """The report at its last step, on a wide screen."""
    opened.set_viewport_size({"width": 1400, "height": 900})
    opened.evaluate("grokscope.go(1e9)")
    opened.wait_for_function(FIT)
    return opened


def test_all_figures_are_drawn_without_a_complaint(page: Any) -> None:
    assert page.locator(".plot").count() == len(FIGURES)
    assert page.locator(".plot .main-svg .traces, .plot .main-svg .hm").count() > len(FIGURES)
    for name in FIGURES:
        box = page.locator(f"#{name} .plot .main-svg").first.bounding_box()
        assert box["width"] > 600
        assert box["height"] > 300
    assert page.locator("canvas").count() == 0
    assert page.noise == []


def test_every_step_of_the_planes_draws_its_own_points(page: Any) -> None:
    last, drawn = page.evaluate(POINTS), page.evaluate(DRAWN)
    _go(page, "planes", 0)
    page.wait_for_function(f"{POINTS}.join() !== {last!r}.join()")
    first_frame = page.evaluate("document.querySelector('#planes .plot')._transitionData._frames[0].data[0].x")
    assert page.evaluate(POINTS) == first_frame
    assert page.evaluate(DRAWN) != drawn
    assert page.locator("#planes .at").text_content() == "Shown at step 0."
    assert page.noise == []


def test_every_step_of_the_diagram_draws_its_own_loops(page: Any) -> None:
    """Their number changes from frame to frame, so points must come and go."""
    plot = "document.querySelector('#diagram .plot')"
    _go(page, "diagram", 0)
    traces = page.evaluate(f"{plot}._transitionData._frames[0].data.map(trace => trace.x)")
    points = sum(x is not None for index, trace in enumerate(traces) if index % 4 < 3 for x in trace)
    drawn = "document.querySelectorAll('#diagram .plot .scatterlayer .point').length"
    page.wait_for_function(f"{drawn} === {points}")
    assert points > 0
    assert page.noise == []


def test_every_step_of_the_neurons_draws_its_own_dots(page: Any, measured_run: Run) -> None:
    """Tuned and other neurons change places from frame to frame, and come packed as bytes."""
    _go(page, "neurons", 0)
    share = evaluate("circuits.neuron_explained", measured_run.snapshot(0), by_neuron=True)
    alive = int((np.asarray(share) > 0).sum())
    drawn = "document.querySelectorAll('#neurons .plot .scatterlayer .point').length"
    page.wait_for_function(f"{drawn} === {2 * alive}")  # in either panel
    tuned = int((np.asarray(share) > 0.85).sum())
    words = "[...document.querySelectorAll('#neurons .plot .textpoint')].map(text => text.textContent).join()"
    assert f"{tuned} of 32 neurons above 85%" in page.evaluate(words)
    assert page.noise == []


def test_a_heat_map_moves_with_its_title(page: Any, measured_run: Run) -> None:
    """Heat maps are images, which have to be drawn anew."""
    image = "[...document.querySelectorAll('#logits image')].at(-1).href.baseVal"
    _go(page, "logits", 1_000)
    page.wait_for_function(f"document.querySelector('#logits .at').textContent.includes('{measured_run.steps}')")
    page.wait_for_timeout(200)
    before = page.evaluate(image)
    _go(page, "logits", 0)
    page.wait_for_function(f"{image} !== {json.dumps(before)}")
    titles = page.evaluate("[...document.querySelectorAll('#logits .textpoint text')].map(text => text.textContent)")
    assert titles[-1].startswith("step 0")
    assert page.locator("#logits .textpoint text").last.is_visible()
    height = page.evaluate("document.querySelector('#logits .plot').clientHeight")
    assert height > 300, "drawing anew must not make the figure lower"


def test_panels_without_a_slider_leave_no_room_for_one(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    layout = "document.querySelector('#logits .plot')._fullLayout"
    page.wait_for_function(f"{layout}.width < 390 && {layout}.xaxis2.domain[0] < 0.6")
    width, height = page.evaluate(f"[{layout}.xaxis._length, {layout}.yaxis._length]")
    assert width == pytest.approx(height, rel=0.01)
    assert width > 120
    assert page.evaluate(f"{layout}.height") < 500


def test_the_two_clouds_stand_below_each_other_on_a_phone(page: Any) -> None:
    layout = "document.querySelector('#cloud .plot')._fullLayout"
    beside = page.evaluate(f"[{layout}.xaxis.domain[1], {layout}.xaxis2.domain[0]]")
    assert beside[0] < beside[1]
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_function(f"{layout}.width < 390 && {layout}.xaxis2.domain[0] < 0.2")
    width, height = page.evaluate(f"[{layout}.xaxis._length, {layout}.yaxis._length]")
    assert width == pytest.approx(height, rel=0.01)
    assert width > 250


def test_the_planes_are_square_on_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    layout = "document.querySelector('#planes .plot')._fullLayout"
    page.wait_for_function(f"{layout}.width < 390")
    width, height = page.evaluate(f"[{layout}.xaxis._length, {layout}.yaxis._length]")
    assert width == pytest.approx(height, rel=0.01)
    assert 130 < width < 180  # two in a row of 358 pixels


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "comparison", "story"])
def test_axe_finds_no_serious_fault(every: dict[str, Any], name: str, width: int, scheme: Any) -> None:
    page = every[name]
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(FIT)
    found = inaccessible(page)
    page.emulate_media(color_scheme="light")
    assert found == []


def _go(page: Any, figure: str, place: int) -> None:
    """Moves the page's slider while a figure is in view."""
    page.locator(f"#{figure} .plot").scroll_into_view_if_needed()
    page.wait_for_timeout(100)
    page.evaluate(f"grokscope.go({place})")


def _note(noise: list[str], url: str) -> None:
    if not url.startswith(("file:", "data:", "blob:")):
        noise.append(f"request: {url}")

"""The page of a run as a reader uses it: one slider, contents, scale, paper; no text over another at any width."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grokscope.report.run.page import write_report
from grokscope.report.run.readings import read
from grokscope.report.words import LANGUAGES, percent
from grokscope.runs.run import Run

BOXES = (Path(__file__).parent / "boxes.js").read_text(encoding="utf-8")
PAPER = 688  # pixels of an A4 page between margins of 14 mm
# Where the upright line of a figure stands, and where its step axis has the page's step.
LINE = """(id) => {
  const plot = document.querySelector(`#${id} .plot`), { xaxis } = plot._fullLayout;
  const step = grokscope.moments.steps[document.querySelector(".moments [type=range]").value];
  return [parseFloat(plot.querySelector(".moment").style.left) + 1, xaxis._offset + xaxis.d2p(step)];
}"""


@pytest.fixture(scope="module")
def files(measured_run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("page")
    return {lang: write_report(measured_run, folder / f"{lang}.html", lang=lang) for lang in LANGUAGES}


@pytest.fixture(scope="module")
def opened(browser: Any, files: dict[str, Path]) -> Iterator[Callable[..., Any]]:
    """Opens a page; what it complained about and asked for is in `.noise`."""
    pages = []

    def make(lang: str = "en", width: int = 1280, **how: Any) -> Any:
        page = browser.new_page(viewport={"width": width, "height": 900}, **how)
        page.noise = []
        page.on("console", lambda message: page.noise.append(message.text))
        page.on("pageerror", lambda error: page.noise.append(str(error)))
        page.on("request", lambda request: page.noise.append(request.url) if request.url[:5] == "http:" else None)
        page.goto(files[lang].as_uri())
        page.wait_for_selector("html[data-ready]", timeout=60_000)
        pages.append(page)
        return page

    yield make
    for page in pages:
        page.close()


@pytest.fixture
def fresh(opened: Callable[..., Any]) -> Iterator[Any]:
    """The page just opened."""
    page = opened()
    yield page
    assert page.noise == []
    page.close()


@pytest.fixture(scope="module")
def shared(opened: Callable[..., Any]) -> Any:
    return opened()


@pytest.fixture
def page(shared: Any) -> Iterator[Any]:
    """The page at its top and last step, on a wide screen."""
    shared.set_viewport_size({"width": 1280, "height": 900})
    shared.evaluate("window.scrollTo(0, 0); grokscope.go(1e9)")
    yield shared
    assert shared.noise == []


def draw_all(page: Any) -> None:
    page.evaluate("grokscope.drawAll()")
    page.wait_for_selector("html[data-drawn]", timeout=60_000)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_text_is_cut_or_lies_over_another(opened: Callable[..., Any], lang: str) -> None:
    """At four widths, light and dark; the page is not loaded anew, as when a window changes its size."""
    page = opened(lang)
    draw_all(page)
    for width, scheme in ((1280, "light"), (1920, "dark"), (768, "light"), (375, "dark")):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        drawn = "[...document.querySelectorAll('.plot')].every(p => !p.clientWidth || p.clientWidth === p.layout.width)"
        page.wait_for_function(drawn)
        assert (width, page.evaluate(BOXES)) == (width, [])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.noise == []


def test_figures_are_drawn_when_they_come_near(fresh: Any) -> None:
    drawn = "[...document.querySelectorAll('.plot')].filter(plot => plot.drawn).length"
    fresh.wait_for_function(f"{drawn} > 0")
    assert fresh.evaluate(drawn) < fresh.locator(".plot").count() / 2
    assert fresh.locator("#attention_entropy .main-svg").count() == 0
    fresh.locator("#attention_entropy").scroll_into_view_if_needed()
    fresh.wait_for_selector("#attention_entropy .main-svg")


def test_one_slider_moves_all_and_says_what_the_store_says(page: Any, measured_run: Run) -> None:
    steps = page.evaluate("grokscope.moments.steps")
    assert steps == measured_run.checkpoints
    assert page.locator(".slider-rail-touch-rect, .updatemenu-button").count() == 0
    slider = page.locator(".moments [type=range]")
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    readings, said = read(measured_run), page.locator(".moments output").inner_text()
    assert f"step {steps[1]}" in said
    for split in ("train", "fresh"):
        value = readings.at(steps[1], f"behaviour.{split}_accuracy")
        assert value is not None
        assert f"{percent(value)}" in said
    assert slider.get_attribute("aria-valuetext") == said.replace("\n", " ")
    line, place = page.evaluate(LINE, "grokking_curve")
    assert line == pytest.approx(place, abs=1.5)


def test_a_figure_drawn_late_begins_where_the_slider_is(fresh: Any) -> None:
    fresh.evaluate("grokscope.go(0)")
    fresh.locator("#cloud").scroll_into_view_if_needed()
    fresh.wait_for_selector("#cloud .main-svg")
    plot = "document.querySelector('#cloud .plot')"
    assert fresh.evaluate(f"{plot}.data[0].x.join() === {plot}._transitionData._frames[0].data[0].x.join()")
    assert fresh.locator("#cloud .at").text_content() == "Shown at step 0."


def test_a_figure_without_the_step_takes_an_earlier_one_and_says_so(fresh: Any) -> None:
    data = json.loads(str(fresh.locator("#spectra-data").text_content()))
    assert len(data["frames"]) > 1
    fresh.evaluate("moments.steps.splice(0, moments.steps.length, 0, 30, 60)")  # 30 is no checkpoint of this run
    before = max(int(frame["name"]) for frame in data["frames"] if int(frame["name"]) < 30)
    fresh.locator("#spectra").scroll_into_view_if_needed()
    fresh.wait_for_selector("#spectra .main-svg")
    fresh.evaluate("grokscope.go(1)")
    assert fresh.locator("#spectra .at").text_content() == (
        f"Shown at step {before}, the nearest earlier one that this figure has."
    )


def test_play_at_the_end_begins_again(page: Any) -> None:
    button, slider = page.locator(".play"), page.locator(".moments [type=range]")
    last = slider.get_attribute("max")
    assert slider.input_value() == last
    button.click()
    assert slider.input_value() == "0"
    assert button.get_attribute("aria-pressed") == "true"
    page.wait_for_function(f"document.querySelector('.moments [type=range]').value === '{last}'")
    page.wait_for_selector(".play[aria-pressed=false]")


def test_a_click_on_a_curve_and_the_arrows_choose_the_step(page: Any) -> None:
    page.wait_for_selector("#grokking_curve .nsewdrag")
    page.locator("#grokking_curve").scroll_into_view_if_needed()
    box = page.locator("#grokking_curve .nsewdrag").last.bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    value = "document.querySelector('.moments [type=range]').value"
    page.wait_for_function(f"{value} === '0'")
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(value) == "1"


def test_the_step_axis_can_be_linear(page: Any, measured_run: Run) -> None:
    page.wait_for_selector("#grokking_curve .main-svg")
    page.locator("[name=scale][value=linear]").check()
    axis = "document.querySelector('#grokking_curve .plot')._fullLayout.xaxis"
    page.wait_for_function(f"{axis}.type === 'linear'")
    assert page.evaluate(f"{axis}.range[1]") == pytest.approx(measured_run.steps, rel=0.1)
    line, place = page.evaluate(LINE, "grokking_curve")
    assert line == pytest.approx(place, abs=1.5)
    page.locator("#weight_norm").scroll_into_view_if_needed()  # one that is drawn later follows
    page.wait_for_function("document.querySelector('#weight_norm .plot')._fullLayout?.xaxis.type === 'linear'")
    page.locator("[name=scale][value=log]").check()
    page.wait_for_function(f"{axis}.type === 'log'")


def test_the_contents_stay_in_view_and_know_the_section(page: Any) -> None:
    page.locator(".contents a[href='#circuit']").click()
    page.wait_for_selector(".contents a[href='#circuit'][aria-current]")
    box = page.locator(".contents").bounding_box()
    assert 0 <= box["y"] < 50
    assert page.locator(".contents a[href='#spectrum']").is_visible()
    assert not page.locator(".contents a[href='#cloud']").is_visible()
    page.set_viewport_size({"width": 375, "height": 800})
    assert not page.locator(".contents a[href='#circuit']").is_visible()
    page.locator(".contents summary").click()
    page.locator(".contents a[href='#weights']").click()
    assert not page.locator(".contents a[href='#weights']").is_visible()
    assert page.locator("#weights h2").bounding_box()["y"] < 200


def test_paper_has_every_figure_whole(opened: Callable[..., Any], tmp_path: Path) -> None:
    """On a dark screen, before anything was scrolled into view."""
    page = opened(color_scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_selector("html[data-drawn]", timeout=60_000)
    sizes = page.evaluate(
        "[...document.querySelectorAll('.plot .main-svg')].map(svg => svg.getBoundingClientRect().width)"
    )
    assert max(sizes) <= PAPER
    assert not page.locator(".moments").is_visible()
    assert not page.locator(".contents").is_visible()
    assert page.locator("#cloud .more p").first.is_visible()
    broken = "[...document.querySelectorAll('.whole')].map(whole => getComputedStyle(whole).breakInside)"
    assert set(page.evaluate(broken)) == {"avoid"}
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.querySelector('#cloud .plot').layout.width") > PAPER
    assert not page.locator("#cloud .more p").first.is_visible()
    page.pdf(path=tmp_path / "page.pdf", format="A4", prefer_css_page_size=True)
    pages = (tmp_path / "page.pdf").read_bytes().count(b"/Type /Page\n")
    assert 10 < pages < 40
    assert page.noise == []

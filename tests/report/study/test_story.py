"""The story of a run tells its own numbers, and moves the step with the reader."""

from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from grokscope.errors import GrokscopeError
from grokscope.report.run.readings import Readings
from grokscope.report.study import story
from grokscope.report.words import LANGUAGES, say
from grokscope.runs.run import Run
from grokscope.studies.judging import judged_ledger

LEDGER = Path(__file__).parents[3] / "docs" / "evidence" / "confirmatory.parquet"
BOXES = (Path(__file__).parents[1] / "page" / "boxes.js").read_text(encoding="utf-8")
STATE = """() => [...document.querySelectorAll(".shot")].filter(shot => !shot.hidden).map(shot => shot.id)
  .concat(grokscope.moments.steps[document.querySelector(".moments [type=range]").value])"""


@pytest.fixture
def told(
    staged: Callable[..., Readings], measured_run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Path]:
    """Writes the story of a run whose curves are made up: memorised at 100, generalised at 3,000."""
    monkeypatch.setattr(story, "read", lambda _: staged(memorised=100, generalised=3000))
    return lambda lang="en", **more: story.write_story(measured_run, tmp_path / f"{lang}.html", lang=lang, **more)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_tells_the_numbers_of_the_run(told: Callable[..., Path], lang: Any) -> None:
    page = unescape(told(lang).read_text())
    assert say("story.title", lang) in page
    for number in ("100", "1,500", "3,000"):
        assert number in page
    assert "{" not in page[page.index('class="scenes"') : page.index('class="stage"')]
    for idea in ("goldilocks", "efficiency", "collapse", "rotation", "circle"):
        assert say(f"essay.{idea}.says", lang) in page


def test_the_verdicts_are_those_of_the_ledger(told: Callable[..., Path]) -> None:
    card = judged_ledger(LEDGER)
    page = told(card=card).read_text()
    assert say("essay.summary.close", "en").split(".")[0] in unescape(page)
    assert "seed" in page[page.index('id="norm"') : page.index('id="rounding"')]


def test_a_run_that_has_not_grokked_has_none(measured_run: Run, tmp_path: Path) -> None:
    with pytest.raises(GrokscopeError, match="has no story to tell"):
        story.write_story(measured_run, tmp_path / "story.html")


def test_the_step_and_the_figure_move_with_the_reader(told: Callable[..., Path], browser: Any) -> None:
    page, noise = browser.new_page(viewport={"width": 1280, "height": 800}), []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.goto(told().as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate(STATE) == ["shot-grokking_curve", 0]
    page.evaluate("document.getElementById('circles').scrollIntoView({ block: 'end' })")
    page.wait_for_function("!document.getElementById('shot-planes').hidden")
    shot, step = page.evaluate(STATE)
    assert (shot, step) == ("shot-planes", page.evaluate("grokscope.moments.steps.at(-1)"))
    page.wait_for_selector("#shot-planes .main-svg")
    page.set_viewport_size({"width": 375, "height": 800})
    page.wait_for_timeout(300)
    stage, scene = (page.locator(name).bounding_box() for name in (".stage", "#circles h2"))
    assert stage["height"] < 400
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert scene is not None
    assert noise == []
    page.close()


@pytest.mark.parametrize("size", [(375, 667), (375, 800), (844, 390), (768, 1024), (1280, 800)], ids=str)
def test_no_word_lies_over_another_beside_any_scene(
    told: Callable[..., Path], browser: Any, size: tuple[int, int]
) -> None:
    """Also on a phone, upright and across, where the figures of a story have half of the screen."""
    width, height = size
    for lang in LANGUAGES:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(told(lang).as_uri())
        page.wait_for_selector("html[data-ready]")
        found = set()
        for scene in story.SCENES:
            page.evaluate(f"document.getElementById('{scene.id}').scrollIntoView({{ block: 'center' }})")
            page.wait_for_selector(f"#shot-{scene.figure} .plot .main-svg", state="visible")
            page.wait_for_timeout(150)  # laid out twice
            found |= set(page.evaluate(BOXES))
        page.close()
        assert found == set()

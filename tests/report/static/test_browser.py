"""A browser draws the .html of a figure, and shows every word of an .svg within its edges."""

from pathlib import Path
from typing import Any

import pytest

from grokscope.report.static.write import write
from grokscope.runs.run import Run
from tests.report.static.measuring import plotly_figure

OUTSIDE = """() => {
  const sheet = document.documentElement.getBoundingClientRect();
  const words = [...document.querySelectorAll("text")];
  return [words.length, words.filter((word) => {
    const box = word.getBoundingClientRect();
    return box.left < -1 || box.top < -1 || box.right > sheet.right + 1 || box.bottom > sheet.bottom + 1;
  }).map((word) => word.textContent)];
}"""


def test_the_html_draws_its_figure_and_nothing_else(browser: Any, measured_run: Run, tmp_path: Path) -> None:
    file = write(plotly_figure("planes", measured_run), tmp_path / "a.html", title="planes")
    page, noise = browser.new_page(viewport={"width": 900, "height": 700}), []
    try:
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-drawn]", timeout=60_000)
        assert page.title() == "planes"
        assert page.locator(".plot .cartesianlayer").count() == 1
        assert page.locator(".slider-container").count() == 1
        assert page.locator("h1, h2, p").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 900
        assert noise == []
    finally:
        page.close()


@pytest.mark.parametrize("name", ["grokking_curve", "forest", "spectrum"])
def test_words_of_an_svg_lie_on_the_sheet(browser: Any, measured_run: Run, tmp_path: Path, name: str) -> None:
    file = write(plotly_figure(name, measured_run), tmp_path / "a.svg", width=3.25)
    page = browser.new_page(viewport={"width": 1200, "height": 1200})
    try:
        page.goto(file.as_uri())
        n, outside = page.evaluate(OUTSIDE)
        assert n > 5
        assert outside == []
    finally:
        page.close()

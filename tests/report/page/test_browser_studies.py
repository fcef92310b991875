"""A browser draws the pages of studies at three widths, and a click on a cell leads to its run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grokscope.report.figures.phase_diagram import from_steps, phase_diagram
from grokscope.report.page.frame import Section, write_page


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    table = from_steps([[100, 100]], [[150, np.inf]], x=(0, 1), y=(1e-3,), runs=[["first", "second"]])
    links = {"first": "first.html"}
    section = Section(id="phases", title="phases", figure=phase_diagram(table), links=links)
    write_page(folder / "phases.html", "phases", ["one"], [section], "en")
    (folder / "first.html").write_text("<title>the first run</title>")
    return folder


def opened(browser: Any, file: Path, width: int) -> tuple[Any, list[str]]:
    page, noise = browser.new_page(viewport={"width": width, "height": 900}), []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.goto(file.as_uri())
    page.evaluate("grokscope.drawAll()")
    page.wait_for_selector("html[data-drawn]", timeout=60_000)
    return page, noise


@pytest.mark.parametrize("width", [390, 768, 1400])
@pytest.mark.parametrize(("name", "figures"), [("phases", 1)])
def test_all_figures_are_drawn_and_fit(browser: Any, pages: Path, name: str, figures: int, width: int) -> None:
    page, noise = opened(browser, pages / f"{name}.html", width)
    try:
        assert page.locator(".plot .cartesianlayer").count() == figures
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("canvas").count() == 0
        assert noise == []
    finally:
        page.close()


def test_a_click_on_a_cell_leads_to_its_run(browser: Any, pages: Path) -> None:
    page, _ = opened(browser, pages / "phases.html", 1400)
    try:
        box = page.locator("#phases .nsewdrag").first.bounding_box()
        y = box["y"] + box["height"] / 2
        page.mouse.click(box["x"] + 0.75 * box["width"], y)  # the second run has no report
        page.wait_for_timeout(300)
        assert page.url.endswith("phases.html")
        page.mouse.click(box["x"] + 0.25 * box["width"], y)
        page.wait_for_url("**/first.html")
        assert page.title() == "the first run"
    finally:
        page.close()

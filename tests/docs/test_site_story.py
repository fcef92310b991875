"""The story on the first page of the site: told of a network that is trained for it, drawn in a frame, from the site's
own files."""

import shutil
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from grokscope.report.page.script import SMALL
from grokscope.report.study.story import SCENES
from grokscope.report.words import LANGUAGES, say
from tests.docs.site import site

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return site("stories").made()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_scene_is_told_with_its_figure(made: dict[str, str], lang: Any) -> None:
    """The network groks, and what its scenes speak of is measured."""
    page = unescape(made[site("stories").file(lang)])
    for scene in SCENES:
        assert f'<section class="scene" id="{scene.id}"' in page
        assert f'id="shot-{scene.figure}"' in page
    told = page[page.index('class="scenes"') : page.index('class="stage"')]
    assert "–" not in told[told.index('id="circles"') : told.index('id="stripes"')], "a number is missing"
    assert say("essay.summary.close", lang).split("{")[0][:20] in told, "the verdicts of the ledger"


def test_the_first_page_of_each_language_shows_it() -> None:
    for page in ("index.md", "index.zh.md"):
        assert (DOCS / page).read_text(encoding="utf-8").count("\n<!-- story -->\n") == 1


def asked(page: Any, wanted: list[str]) -> None:
    page.on("request", lambda request: wanted.append(request.url))
    page.on("console", lambda message: wanted.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: wanted.append(f"error: {error}"))


@pytest.fixture
def folder(made: dict[str, str], tmp_path: Path) -> Path:
    """As the site lies: the stories, plotly.js where notebooks have it, and a page with the frame."""
    (tmp_path / "javascripts").mkdir()
    shutil.copy(SMALL, tmp_path / "javascripts")
    for name, text in made.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    style = (DOCS / "stylesheets" / "site.css").read_text(encoding="utf-8")
    page = f"<!doctype html><style>{style}</style>{site('stories').frame('en')}"
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    return tmp_path


def test_a_browser_draws_it_in_its_frame_from_files_of_the_site(folder: Path, browser: Any) -> None:
    page, wanted = browser.new_page(viewport={"width": 1280, "height": 800}), []
    asked(page, wanted)
    page.goto((folder / "index.html").as_uri())
    (inner,) = page.frames[1:]
    inner.wait_for_selector("#shot-grokking_curve .main-svg")
    inner.evaluate("document.getElementById('circles').scrollIntoView({ block: 'end' })")
    inner.wait_for_selector("#shot-planes:not([hidden]) .main-svg")
    elsewhere = [url for url in wanted if not url.startswith((folder.as_uri(), "data:", "blob:"))]
    assert elsewhere == []
    page.close()

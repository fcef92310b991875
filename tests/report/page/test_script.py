"""A page has plotly.js in itself, from a file beside it, or from the network of its makers."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from plotly.offline import get_plotlyjs

from grokscope.report.page.frame import Section, write_page
from grokscope.report.page.script import FILE, source
from grokscope.report.page.theme import blank


def sections() -> list[Section]:
    figure = blank(300)
    figure.add_scatter(x=[1, 2], y=[3, 4])
    return [Section(id="one", title="one", figure=figure)]


def test_a_folder_has_plotly_once(tmp_path: Path, browser: Any) -> None:
    for name in ("one", "other"):
        page = write_page(tmp_path / f"{name}.html", "title", ["lead"], sections(), "en", plotly="folder")
        assert page.stat().st_size < 60_000
    script = tmp_path / FILE
    assert script.read_text() == get_plotlyjs()
    before = script.stat().st_mtime_ns
    write_page(tmp_path / "third.html", "title", ["lead"], sections(), "en", plotly="folder")
    assert script.stat().st_mtime_ns == before
    opened = browser.new_page()
    opened.goto((tmp_path / "one.html").as_uri())
    opened.wait_for_selector("#one .main-svg")
    opened.close()


def test_the_network_is_asked_for_what_is_here_alone(tmp_path: Path) -> None:
    page = write_page(tmp_path / "page.html", "title", ["lead"], sections(), "en", plotly="cdn").read_text()
    found = re.search(r'<script src="https://cdn\.plot\.ly/plotly-([\d.]+)\.min\.js" integrity="sha256-([^"]+)"', page)
    assert found is not None
    assert f"plotly.js v{found[1]}" in get_plotlyjs()[:200]
    assert base64.b64decode(found[2]) == hashlib.sha256(get_plotlyjs().encode()).digest()
    assert not (tmp_path / FILE).exists()


def test_another_word_is_refused() -> None:
    with pytest.raises(ValueError, match="plotly must be one of inline, cdn, folder, got 'here'"):
        source("here")  # pyright: ignore[reportArgumentType]

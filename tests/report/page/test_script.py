"""A page has plotly.js in itself, from a file beside it, or from the network of its makers."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from plotly.offline import get_plotlyjs, get_plotlyjs_version

from grokscope.report.page.frame import Section, write_page
from grokscope.report.page.script import SMALL, WHOLE, source
from grokscope.report.page.theme import blank

TEXT = SMALL.read_text(encoding="utf-8")


def sections(*, solid: bool = False) -> list[Section]:
    figure = blank(300)
    figure.add_scatter(x=[1, 2], y=[3, 4])
    if solid:
        figure.add_scatter3d(x=[1], y=[2], z=[3])
    return [Section(id="all", title="all", parts=[Section(id="one", title="one", figure=figure)])]


def test_the_small_one_is_of_the_version_of_the_package() -> None:
    assert f" v{get_plotlyjs_version()}\n" in TEXT[:200]


def test_a_figure_that_the_small_one_cannot_draw_has_the_whole(tmp_path: Path, browser: Any) -> None:
    for solid, name, other in ((False, SMALL.name, WHOLE), (True, WHOLE, SMALL.name)):
        folder = tmp_path / str(solid)
        page = write_page(folder / "page.html", "title", ["lead"], sections(solid=solid), "en", plotly="folder")
        assert (folder / name).is_file()
        assert not (folder / other).exists()
        assert f'src="{name}"' in page.read_text()
    page = write_page(tmp_path / "solid.html", "title", ["lead"], sections(solid=True), "en")
    opened, noise = browser.new_page(), []
    opened.on("pageerror", lambda error: noise.append(str(error)))
    opened.goto(page.as_uri())
    opened.wait_for_selector("#one .gl-container", state="attached")  # a machine may have no WebGL
    opened.close()
    assert noise == []


def test_a_folder_has_plotly_once(tmp_path: Path, browser: Any) -> None:
    for name in ("one", "other"):
        page = write_page(tmp_path / f"{name}.html", "title", ["lead"], sections(), "en", plotly="folder")
        assert page.stat().st_size < 60_000
    script = tmp_path / SMALL.name
    assert script.read_text(encoding="utf-8") == TEXT
    before = script.stat().st_mtime_ns
    write_page(tmp_path / "third.html", "title", ["lead"], sections(), "en", plotly="folder")
    assert script.stat().st_mtime_ns == before
    opened = browser.new_page()
    opened.goto((tmp_path / "one.html").as_uri())
    opened.wait_for_selector("#one .main-svg")
    opened.close()


@pytest.mark.parametrize(
    ("solid", "name", "text"), [(False, "plotly-cartesian", TEXT), (True, "plotly", get_plotlyjs())]
)
def test_the_network_is_asked_for_what_is_here_alone(solid: bool, name: str, text: str, tmp_path: Path) -> None:
    page = write_page(tmp_path / "page.html", "title", ["lead"], sections(solid=solid), "en", plotly="cdn").read_text()
    found = re.search(rf'<script src="https://cdn\.plot\.ly/{name}-([\d.]+)\.min\.js" integrity="sha256-([^"]+)"', page)
    assert found is not None
    assert found[1] == get_plotlyjs_version()
    assert base64.b64decode(found[2]) == hashlib.sha256(text.encode()).digest()
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_another_word_is_refused() -> None:
    with pytest.raises(ValueError, match="plotly must be one of inline, cdn, folder, got 'here'"):
        source("here", [])  # pyright: ignore[reportArgumentType]

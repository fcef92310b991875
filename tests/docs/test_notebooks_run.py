"""The notebooks of docs run from top to bottom, as the site runs them, each in a process and a folder of its own."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.docs.site import site

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
SHORT = [path for path in NOTEBOOKS if path.stem != "verdict_by_hand"]  # that one has tests/test_notebooks.py


def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


@pytest.mark.parametrize("path", SHORT, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_ends_with_a_number_that_is_known(path: Path) -> None:
    assert 10 <= len(cells(path)) <= 15
    assert not any(cell["outputs"] for cell in cells(path) if cell["cell_type"] == "code"), "the site executes it"
    assert "## A number with a known answer" in path.read_text() or "## The printed numbers" in path.read_text()
    last = "".join(cells(path)[-1]["source"])
    assert last.splitlines()[-1].startswith("assert ")


@pytest.mark.parametrize("path", SHORT, ids=lambda path: path.stem)
def test_it_runs_and_its_page_shows_what_came_out(path: Path) -> None:
    page = site("notebooks").page(path)
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    assert page.count("```python") == len(code)
    assert page.count('<div class="notebook-output">') >= len(code) // 2
    assert "Traceback" not in page


def test_a_wrong_number_fails(tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "notebooks"
    folder.mkdir(parents=True)
    for name in ("grokscope", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "docs/notebooks/circuit.ipynb", folder)
    path = folder / "circuit.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("1.384e-07", "1.385e-07"), encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"(?s)circuit\.ipynb.*AssertionError"):
        site("notebooks").page(path)


def test_outputs_are_escaped_and_figures_keep_their_data() -> None:
    made = site("notebooks")._shown
    assert made({"text/plain": "<script>\n"}, "a") == "<pre>&lt;script&gt;</pre>"
    figure = made({made.__globals__["FIGURE"]: {"data": [{"name": "</script>"}], "layout": {}}}, "b")
    assert figure.count("</script>") == 1

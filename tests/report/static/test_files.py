"""Files: the same bytes each time, whatever the user's settings; steps of a slider; and what an ending asks for."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import pytest

from grokscope.errors import GrokscopeError
from grokscope.report.static import write as writing
from grokscope.report.static.files import pdf, png, sheet, svg
from grokscope.report.static.still import still
from grokscope.report.static.write import inches, write
from grokscope.runs.run import Run
from tests.report.static.measuring import plotly_figure, texts_of

CODE = """
import hashlib
from grokscope.report.page import theme
from grokscope.report.static.files import pdf, png, svg
figure = theme.blank(300)
for name in ("one", "two", "three"):
    figure.add_scatter(x=[1, 2], y=[1, len(name)], mode="lines+markers", name=name)
figure.add_heatmap(z=[[1, 2], [3, 4]])
hashes = [hashlib.sha256(made(figure)).hexdigest() for made in (svg, pdf, png)]
"""


def test_another_process_writes_the_same_bytes() -> None:
    here: dict[str, Any] = {}
    exec(CODE, here)
    there = subprocess.run(
        [sys.executable, "-c", f"{CODE}\nprint(hashes)"], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[3], env=os.environ | {"PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert there.stdout.strip() == str(here["hashes"])


def test_the_users_own_settings_change_nothing(measured_run: Run) -> None:
    figure = plotly_figure("gini", measured_run)
    files = [made(figure) for made in (svg, pdf, png)]
    with matplotlib.rc_context({"savefig.bbox": "tight", "font.size": 30, "svg.fonttype": "path", "pdf.fonttype": 3}):
        assert [made(figure) for made in (svg, pdf, png)] == files
        assert matplotlib.rcParams["font.size"] == 30


def test_text_of_an_svg_is_text_and_nothing_tells_the_day(measured_run: Run) -> None:
    made = svg(plotly_figure("gini", measured_run))
    assert "Ginicoefficient" in texts_of(made)
    assert b"dc:date" not in made
    assert b"CreationDate" not in pdf(plotly_figure("gini", measured_run))


def test_the_step_of_a_slider_is_the_one_asked_for_and_is_said(measured_run: Run) -> None:
    figure: Any = plotly_figure("planes", measured_run)
    first = figure.frames[0]
    assert first.name == "0"
    asked = still(figure, 0)
    for trace, of_frame in zip(asked.traces, first.data, strict=True):
        assert list(trace["x"]) == list(of_frame.x)
        assert trace["mode"] == "lines+markers"  # all else is the trace's own
    assert tuple(still(figure).traces[0]["x"]) == figure.data[0].x
    assert (asked.moment, still(figure).moment) == ("step 0", "step 60")
    assert "step0" in texts_of(svg(figure, step=0))
    assert svg(figure, step=60) == svg(figure)
    assert svg(figure, step=0) != svg(figure)
    with pytest.raises(ValueError, match="no step 7; it has 0, 26, 52, 60"):
        svg(figure, step=7)
    with pytest.raises(ValueError, match="no slider, so there is no step 0 to choose"):
        svg(plotly_figure("gini", measured_run), step=0)


def test_a_figure_that_was_written_and_read_again_is_drawn_alike(measured_run: Run) -> None:
    import plotly.io

    figure = plotly_figure("logits", measured_run)
    assert svg(plotly.io.from_json(figure.to_json())) == svg(figure)


def test_panels_stand_in_fewer_columns_on_narrow_paper(measured_run: Run) -> None:
    figure = plotly_figure("cloud", measured_run)
    (wide, low), (narrow, high) = (sheet(figure, width=width)[0].get_size_inches() for width in (6.75, 3.25))
    assert low < wide
    assert high > 1.8 * narrow


@pytest.mark.parametrize(("ending", "start"), [(".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")])
def test_the_ending_says_what_is_written(ending: str, start: bytes, measured_run: Run, tmp_path: Path) -> None:
    path = write(plotly_figure("gini", measured_run), tmp_path / f"a{ending}")
    assert path.read_bytes().startswith(start)


def test_html_is_the_interactive_figure_with_everything_in_it(measured_run: Run, tmp_path: Path) -> None:
    path = write(plotly_figure("planes", measured_run), tmp_path / "a.html", title="<i>", lang="zh")
    text = path.read_text()
    assert "<title>&lt;i&gt;</title>" in text
    assert 'lang="zh-CN"' in text
    assert '"frames":' in text
    assert 'src="http' not in text
    with pytest.raises(ValueError, match="width, height and step are of paper"):
        write(plotly_figure("planes", measured_run), tmp_path / "a.html", width=3)


def test_another_ending_and_another_width_are_mistakes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a.gif: a figure is written as .pdf, .svg, .png, .html"):
        writing.kind_of(tmp_path / "a.gif")
    assert (inches("column"), inches("page"), inches("5.5")) == (3.25, 6.75, 5.5)
    with pytest.raises(ValueError, match="width 'wide': expected column, page, or a number of inches"):
        inches("wide")


def test_without_matplotlib_the_message_says_what_to_install(
    measured_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in [name for name in sys.modules if name.startswith("grokscope.report.static.files")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("grokscope.report.static.files", raising=False)
    with pytest.raises(GrokscopeError, match=r"\.pdf needs matplotlib: pip install 'grokscope\[figures\]'"):
        write(plotly_figure("gini", measured_run), tmp_path / "a.pdf")
    assert write(plotly_figure("gini", measured_run), tmp_path / "a.html").is_file()

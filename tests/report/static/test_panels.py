"""A height of one's choice, and several figures on one sheet."""

import runpy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest
from matplotlib.lines import Line2D

from grokscope.report.figures.grokking_curve import grokking_curve
from grokscope.report.page import theme
from grokscope.report.static.files import sheet, svg
from grokscope.report.static.write import write
from grokscope.runs.run import Run
from tests.report.static.measuring import ALL, SVG, boxes_of, marks_of, overlapping, plotly_figure, texts_of

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "paper_page.py"


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("cloud", "dimension", "l_and_u", "circles")])
def test_a_figure_is_as_high_as_asked_and_no_word_hides_another(name: str, measured_run: Run) -> None:
    made, _ = sheet(plotly_figure(name, measured_run), width=3.25, height=2.5)
    assert made.get_size_inches().tolist() == pytest.approx([3.25, 2.5])
    boxes = boxes_of(made)
    assert overlapping(boxes) == []
    assert [text for text, box in boxes if min(box.x0, box.y0) < 0 or box.x1 > 72 * 3.25 or box.y1 > 72 * 2.5] == []


def test_the_names_of_phases_keep_their_room_in_a_low_figure(staged: Any) -> None:
    figure = grokking_curve(staged(memorised=100, generalised=2000))
    made, _ = sheet(figure, width=3.25, height=2.5)
    boxes = {text.strip("\u00a0"): box for text, box in boxes_of(made)}
    assert boxes["memorised"].y0 - boxes["after"].y0 > 8  # points: each has a lane of its own


def named_rows(n: int) -> Any:
    figure = theme.blank(30 * n).add_scatter(x=[0] * n, y=list(range(n)), mode="markers")
    return figure.update_yaxes(tickvals=list(range(n)), ticktext=[f"arm {number}" for number in range(n)])


def test_what_has_no_room_in_a_height_is_an_error() -> None:
    assert svg(named_rows(20))
    with pytest.raises(ValueError, match=r"names beside an axis touch .*arm 0, arm 1, arm 2…\); take a larger height"):
        svg(named_rows(20), height=1.5)
    words = theme.blank(400).add_scatter(x=[1, 1], y=[0, 1], text=["one", "two"], mode="text")
    with pytest.raises(ValueError, match="lie over each other at this height; take a larger height"):
        svg(words.update_yaxes(range=[-20, 20]), height=1)
    stacked = theme.blank(800)
    for number in range(8):
        place = str(number + 1) if number else ""
        stacked.add_scatter(x=[0], y=[0], mode="markers", yaxis=f"y{place}")
        stacked.update_layout({f"yaxis{place}": {"domain": [number / 8, (number + 0.8) / 8], "anchor": "x"}})
    with pytest.raises(ValueError, match="too little room; take a larger height"):
        svg(stacked, height=1.2)


def test_numbers_beside_an_axis_become_fewer_and_names_do_not() -> None:
    numbers = theme.blank(200).add_scatter(x=[0], y=[0], mode="markers")
    numbers.update_yaxes(tickvals=list(range(40)), ticktext=[str(n) for n in range(40)], range=[0, 39])
    made, _ = sheet(numbers, height=1.5)
    assert 2 < len(boxes_of(made)) < 30


def test_figures_stand_in_columns_with_letters(measured_run: Run) -> None:
    figures = [plotly_figure(name, measured_run) for name in ("gini", "planes", "forest")]
    made = svg(figures, height=2)
    root = ElementTree.fromstring(made)
    assert (root.attrib["width"], root.attrib["height"]) == ("486pt", f"{2 * (144 + 20 * 8 / 13):.6f}pt")
    bold = [text.text for text in root.iter(f"{SVG}text") if "font-weight: 700" in text.attrib["style"]]
    assert bold[0] == "a"
    assert {"a", "b", "c"} <= set(bold)
    counts = marks_of(made)
    for letter, figure in zip("bc", figures[1:], strict=True):
        alone = marks_of(svg(figure, width=3, height=2))
        assert {name: n for name, n in counts.items() if name.startswith(letter)} == {
            f"{letter}-{name}": n for name, n in alone.items()
        }
    drawn, _ = sheet(figures, height=2, columns=1)
    assert drawn.get_size_inches()[1] == pytest.approx(3 * (2 + 20 * 8 / 13 / 72))
    lines = {artist.get_gid() for artist in drawn.findobj(Line2D)}
    assert {"a-trace-0", "a-trace-1", "b-trace-0"} <= lines


def test_several_figures_have_no_common_step(measured_run: Run, tmp_path: Path) -> None:
    figure = plotly_figure("planes", measured_run)
    for options in ({"step": 0}, {"columns": 0}):
        with pytest.raises(ValueError, match="several figures have no common step"):
            svg([figure, figure], **options)
    with pytest.raises(ValueError, match="several figures"):
        svg([])
    with pytest.raises(ValueError, match="27 figures: a sheet has room for 26"):
        svg([go.Figure(figure)] * 27, height=2)
    with pytest.raises(ValueError, match=r"an \.html file has one figure"):
        write([figure, figure], tmp_path / "a.html")


@pytest.mark.parametrize("ending", ["pdf", "svg"])
def test_the_example_makes_a_page_of_six_panels(
    measured_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture, ending: str
) -> None:
    file = tmp_path / f"page.{ending}"
    main = runpy.run_path(str(EXAMPLE))["main"]
    main(str(measured_run.folder), str(file))
    assert capsys.readouterr() == (f"{file}\n", "")
    if ending == "svg":
        words = texts_of(file.read_bytes())
        for text in ("accuracy", "2-norm", "loss[nats]", "Ginicoefficient", "step60", "logitof0"):
            assert text in words
        height = float(ElementTree.fromstring(file.read_bytes()).attrib["height"].removesuffix("pt"))
        assert height < 9 * 72  # fits a page of a journal


def test_the_example_says_what_a_run_does_not_have(
    random_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file = tmp_path / "page.svg"
    runpy.run_path(str(EXAMPLE))["main"](str(random_run.folder), str(file))
    out, err = capsys.readouterr()
    assert out == f"{file}\n"
    assert [line.partition(":")[0] for line in err.splitlines()] == ["progress_losses", "gini", "planes", "logits"]

"""grokscope figure: files of figures of runs and studies, and mistakes in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from grokscope.cli.base import main
from grokscope.report.words import say
from grokscope.runs.run import Run
from grokscope.studies.study import Study, load_study
from tests.cli.test_commands import run
from tests.cli.test_sweep import SWEEP


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Study:
    store = tmp_path_factory.mktemp("sweep")
    assert main([*SWEEP, "--grid", "weight_decay=0.5,1", "--seeds", "2", "--store", str(store)]) == 0
    (plan,) = store.glob("studies/*/plan.json")
    return load_study(store, plan.parent.name)


@pytest.mark.parametrize(
    ("name", "ending"),
    [("grokking-curve", "svg"), ("grokking_curve", "pdf"), ("weight_norm", "png"), ("weight_norm", "html")],
)
def test_a_figure_of_a_run_is_written(
    capsys: pytest.CaptureFixture, tiny_run: Run, tmp_path: Path, name: str, ending: str
) -> None:
    file = tmp_path / f"a.{ending}"
    assert run(capsys, "figure", str(tiny_run.folder), name, "-o", str(file)) == (0, f"{file}\n", "")
    assert file.stat().st_size > 5_000


def test_json_says_what_was_written_and_gives_title_and_caption(
    capsys: pytest.CaptureFixture, tiny_run: Run, tmp_path: Path
) -> None:
    file, store = tmp_path / "a.svg", tiny_run.folder.parent
    words = [
        "figure",
        "latest",
        "weight-norm",
        "-o",
        str(file),
        "--store",
        str(store),
        "--width",
        "column",
        "--height",
        "3",
        "--json",
    ]
    code, out, err = run(capsys, *words, "--lang", "zh")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "run": tiny_run.id, "figure": "weight_norm", "file": str(file), "title": say("figure.weight_norm", "zh"),
        "caption": say("caption.weight_norm", "zh"),
    }  # fmt: skip
    assert 'width="234pt" height="216pt"' in file.read_text()
    assert say("axis.step", "zh") in file.read_text()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["grokking_curv", "-o", "a.svg"],
            2,
            "unknown figure of a run 'grokking_curv'. Did you mean 'grokking_curve'?",
        ),
        (["forest", "-o", "a.svg"], 2, "unknown figure of a run 'forest'."),
        (["gini", "-o", "a.gif"], 2, "a.gif: a figure is written as .pdf, .svg, .png, .tex, .html; name the file so"),
        (["gini", "-o", "a.svg", "--width", "wide"], 2, "width 'wide': expected column, page, or a number of inches"),
        (["gini", "-o", "a.svg", "--width", "200"], 2, "width 200: expected 1 to 20 inches"),
        (["grokking_curve", "-o", "a.svg", "--step", "0"], 2, "this figure has no slider"),
        (["grokking_curve", "-o", "a.html", "--width", "5"], 2, "width, height and step are of paper"),
        (["progress_losses", "-o", "a.svg"], 1, "Not shown: "),
        (["gini"], 2, "grokscope figure needs --output FILE"),
    ],
)
def test_a_mistake_is_one_line(  # noqa: PLR0917
    capsys: pytest.CaptureFixture, tiny_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str],
    code: int, message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    found, out, err = run(capsys, "figure", str(tiny_run.folder), *words)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert message in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["heatmap", "heatmap-0", "phase_diagram", "phases-0", "survival", "survival_weight_decay"]
)
def test_a_figure_of_a_sweep_goes_by_its_name_or_its_place_on_the_page(
    capsys: pytest.CaptureFixture, sweep: Study, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "a.svg"
    words = ["figure", sweep.id, name, "-o", str(file), "--store", str(sweep.store), "--json"]
    code, out, err = run(capsys, *words)
    assert (code, err) == (0, "")
    made: dict[str, Any] = json.loads(out)
    assert made["study"] == sweep.id
    assert made["figure"] in ("heatmap-0", "phases-0", "survival-weight_decay")
    assert made["caption"]
    assert file.read_text().startswith("<?xml")


def test_a_wrong_name_of_a_study_lists_what_there_is(
    capsys: pytest.CaptureFixture, sweep: Study, tmp_path: Path
) -> None:
    words = ["figure", sweep.id, "heatmaps", "-o", str(tmp_path / "a.svg"), "--store", str(sweep.store)]
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "Did you mean 'heatmap-0'? Known: curves, heatmap-0, phases-0, survival-weight_decay." in err

"""run.figure: a Plotly figure by its name, from every public way to a run."""

import subprocess
import sys
from pathlib import Path

import pytest

import grokscope as gs
from grokscope.errors import Missing
from grokscope.report.figures.base import figures
from grokscope.report.run.drawing import figure
from grokscope.report.run.readings import read
from grokscope.report.words import say
from grokscope.runs.run import Run


@pytest.mark.parametrize("name", [name for name, drawing in figures().items() if drawing.draws == "run"])
def test_it_is_the_figure_of_the_report(measured_run: Run, name: str) -> None:
    found, expected = figure(measured_run, name.replace("_", "-")), figures()[name](read(measured_run))
    if isinstance(expected, Missing):
        assert found == Missing(say(expected.reason, "en", run=measured_run.id))
    else:
        assert found == expected


def test_the_public_face_gives_it_to_a_run(measured_run: Run) -> None:
    run = gs.load(measured_run.folder)
    assert run.figure("gini") == figure(measured_run, "gini")
    assert run.figure("gini", lang="zh") == figure(measured_run, "gini", "zh") != figure(measured_run, "gini")


def test_a_run_has_it_in_a_process_that_knows_the_public_face_alone(measured_run: Run) -> None:
    code = f"import grokscope as gs; print(len(gs.load({str(measured_run.folder)!r}).figure('gini').data))"
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3]
    )
    assert (made.stdout, made.stderr) == ("2\n", "")


def test_a_run_without_it_says_why(random_run: Run) -> None:
    run = gs.load(random_run.folder)
    assert run.figure("planes") == Missing(say("missing.random_labels", "en"))


def test_another_name_or_language_is_a_mistake(measured_run: Run) -> None:
    with pytest.raises(ValueError, match=r"unknown figure of a run 'gyni'\. Did you mean 'gini'"):
        figure(measured_run, "gyni")
    with pytest.raises(ValueError, match="lang must be one of en, zh, got 'de'"):
        figure(measured_run, "gini", "de")  # type: ignore[arg-type]

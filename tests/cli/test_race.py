"""`grokscope race`: what it says of mistakes, and of results that are there already."""

import json
from pathlib import Path
from typing import Any

import pytest

from grokscope.cli.base import main
from grokscope.studies.race.results import write_results
from tests.studies.race.made import example


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_results(example(), path := tmp_path / "race.csv")
    return path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--methods", "adamw_tuned"], "a race needs two arms, got adamw_tuned alone"),
        (["--methods", "muno"], "unknown method 'muno'. Did you mean 'muon'"),
        (["--settings", "comon"], "unknown setting 'comon'. Did you mean 'common'"),
        (["--seeds", "0"], "--seeds must be at least 1"),
        (["--budget", "soon"], "--budget must be a time such as 90m"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], said: str, tmp_path: Path, capsys: Any) -> None:
    assert main(["race", *words, "--store", str(tmp_path / "runs")]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error


def test_what_was_tuned_elsewhere_must_be_there(tmp_path: Path, capsys: Any) -> None:
    assert main(["race", "--settings", "transfer_subtraction", "--store", str(tmp_path / "runs")]) == 1
    assert "takes the cells of common: race adamw_tuned there first" in capsys.readouterr().err


def test_a_file_that_is_no_race_is_one_line(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "other.csv").write_text("a,b\n")
    assert main(["race", str(tmp_path / "other.csv")]) == 1
    assert "holds no results of a race" in capsys.readouterr().err
    assert main(["race", str(tmp_path / "nowhere.csv")]) == 1
    assert "nowhere.csv" in capsys.readouterr().err


def test_results_are_judged_again_without_training(results: Path, capsys: Any) -> None:
    page = results.with_suffix(".html")
    assert main(["race", str(results), "-o", str(page)]) == 0
    said = capsys.readouterr().out
    assert "common: times sooner than adamw_tuned" in said
    assert "published of muon, 0.745 to inf: supported" in said
    assert "guessed of muon, 1 to 2: refuted" in said
    assert page.exists()
    assert {path.name for path in results.parent.iterdir()} == {"race.csv", "race.html"}


def test_json_has_every_number(results: Path, capsys: Any) -> None:
    assert main(["race", str(results), "--methods", "muon", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["settings"]["common"]
    assert [one["arm"] for one in told["arms"]] == ["muon", "adamw_tuned"]
    quick = told["arms"][0]
    assert quick["ratio"]["low"] > 3
    assert quick["fell"]["k"] == 20
    assert quick["hazard"]["low"] > 1
    assert told["claims"][0]["region"] == [[0.745, None]]
    assert told["leaks"] == [{"control": "random labels", "method": "muon", "k": 0, "n": 5}]

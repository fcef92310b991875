"""`grokscope judge`, as a user types it."""

import json
import shutil
from pathlib import Path

import pytest

from grokscope.cli.base import main
from grokscope.predictions.cards import Scorecard
from grokscope.predictions.families import read_arms
from grokscope.runs.run import Run
from grokscope.studies.study import Study
from grokscope.theories.base import families


def run(capsys: pytest.CaptureFixture, *args: str) -> tuple[int, str, str]:
    code = main(list(args))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def copy(tiny_run: Run, store: Path) -> Path:
    """A store with the run, of which a study says that it is the base."""
    shutil.copytree(tiny_run.folder, store / tiny_run.folder.name)
    arms = {"base": (tiny_run.id,), "random_labels": ("0123456789ab-3",)}  # the second was never trained
    study = Study(id="made-up", name="made-up", store=store, arms=read_arms(arms, families()))
    study.folder.mkdir(parents=True)
    study.save([])
    return store


def test_runs_are_judged_by_name(capsys: pytest.CaptureFixture, copy: Path, tiny_run: Run) -> None:
    code, out, _ = run(capsys, "judge", tiny_run.id, "--theory", "stages", "--store", str(copy))
    assert code == 0
    assert "stages.symmetry_first/order" in out
    assert "Claims: 2. Supported by these runs: 0" in out


def test_a_study_is_judged_by_its_plan(capsys: pytest.CaptureFixture, copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "card.json"
    code, out, _ = run(
        capsys, "judge", str(copy / "studies" / "made-up"), "--theory", "stages", "--json", "-o", str(target)
    )
    assert code == 0
    found = json.loads(out)
    assert found["runs"] == {"base": 1, "random_labels": 0}
    assert {row["verdict"] for row in found["rows"]} <= {"undecided", "not_tested"}
    assert len(Scorecard.load(target).rows) == len(found["rows"])


def test_the_scorecard_as_a_page(capsys: pytest.CaptureFixture, copy: Path, tiny_run: Run, tmp_path: Path) -> None:
    target = tmp_path / "card.html"
    code, _, _ = run(capsys, "judge", tiny_run.id, "--theory", "triggers", "--store", str(copy), "-o", str(target))
    assert code == 0
    assert "triggers.three" in target.read_text(encoding="utf-8")


def test_the_scorecard_as_tables_for_a_paper(
    capsys: pytest.CaptureFixture, copy: Path, tiny_run: Run, tmp_path: Path
) -> None:
    target = tmp_path / "card.tex"
    code, _, _ = run(capsys, "judge", tiny_run.id, "--theory", "triggers", "--store", str(copy), "-o", str(target))
    assert code == 0
    text = target.read_text(encoding="utf-8")
    assert r"\toprule" in text
    assert r"random\_labels" in text
    assert "triggers.three" in text


@pytest.mark.parametrize("there", [False, True])
def test_the_scorecard_as_a_folder_of_pages(
    capsys: pytest.CaptureFixture, copy: Path, tiny_run: Run, tmp_path: Path, there: bool
) -> None:
    folder = tmp_path / "pages"
    if there:  # without a slash at the end of its name
        folder.mkdir()
    name = str(folder) + ("" if there else "/")
    code, _, _ = run(capsys, "judge", tiny_run.id, "--theory", "triggers", "--store", str(copy), "-o", name)
    assert code == 0
    pages = sorted(path.name for path in folder.glob("*.md"))
    assert pages == ["index.md", "index.zh.md", "triggers.md", "triggers.zh.md"]  # the essay needs all theories
    assert "(triggers.md#claim-triggers-triggers.three)" in (folder / "index.md").read_text(encoding="utf-8")
    assert (tmp_path / "pages").is_dir()


def test_mistakes_are_one_line(capsys: pytest.CaptureFixture, copy: Path, tiny_run: Run, tmp_path: Path) -> None:
    for arguments, message in (
        ((tiny_run.id, "--theory", "stagse"), "Did you mean 'stages'"),
        (("nothing",), "unknown run or study 'nothing'"),
        ((), "expected runs, got none"),
        (
            (tiny_run.id, "--theory", "stages", "-o", str(tmp_path / "card.txt")),
            "must end in .json, .html, .md or .tex, or in / for a folder of pages",
        ),
    ):
        code, _, err = run(capsys, "judge", *arguments, "--store", str(copy))
        assert code == 2, arguments
        assert message in err
        assert len(err.strip().splitlines()) == 1
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "judge", tiny_run.id, "--store", str(copy), "-o", f"{tmp_path}/file/")
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert "it is no folder" in err
    (copy / "studies" / "made-up" / "plan.json").write_text("[]")
    code, _, err = run(capsys, "judge", str(copy / "studies" / "made-up"))
    assert code == 1
    assert "plan.json cannot be read" in err

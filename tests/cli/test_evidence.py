"""`grokscope evidence`, and `grokscope judge` of a ledger, as a user types them."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grokscope.cli.base import main
from grokscope.predictions.arms import Arms
from grokscope.predictions.families import read_arms
from grokscope.predictions.ledger import ranges
from grokscope.predictions.ledger_file import COLUMNS, file_digest, read_ledger, write_ledger
from grokscope.runs.run import Run, load
from grokscope.statistics.looks import Looks
from grokscope.studies.judging import judge
from grokscope.studies.study import Study, load_study
from grokscope.theories.base import families
from tests.predictions.lines import line, small


@pytest.fixture
def typed(capsys: pytest.CaptureFixture) -> Any:
    """Types a command: its exit code, stdout, and the lines of stderr."""

    def run(*args: object) -> tuple[int, str, list[str]]:
        capsys.readouterr()
        code = main(list(map(str, args)))
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


@pytest.fixture
def studied(tiny_run: Run, store: Path) -> Path:
    """A store with a study of one run, of which the readings of one theory have been taken."""
    shutil.copytree(tiny_run.folder, store / tiny_run.folder.name)
    arms = {"base": (tiny_run.id,), "random_labels": ("0123456789ab-3",)}  # the second was never trained
    study = Study(id="made-up", name="made-up", store=store, arms=read_arms(arms, families()))
    study.folder.mkdir(parents=True)
    study.save([])
    judge([load(store / tiny_run.id)], theory="circuits")
    return store


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The theory of the ledger by hand is one that is known here."""
    monkeypatch.setattr("grokscope.predictions.recorded.require_theories", lambda *_: None)
    monkeypatch.setattr("grokscope.predictions.recorded.unknown_rows", lambda *_: [])


def test_a_ledger_is_made_of_a_study_and_judged_like_it(typed: Any, studied: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "deep" / "new.parquet"
    code, out, err = typed("evidence", "add", ledger, "made-up", "--store", studied)
    assert err == []
    assert (code, out.partition(" lines")[0].rpartition(" ")[0]) == (0, f"{ledger}: 1 runs and")
    _, of_study, _ = typed("judge", "made-up", "--store", studied, "--json")
    pages = [tmp_path / f"{what}.{kind}" for what in ("study", "ledger") for kind in ("html", "md")]
    assert [typed("judge", "made-up", "--store", studied, "-o", page)[0] for page in pages[:2]] == [0, 0]
    shutil.rmtree(studied)
    code, of_ledger, _ = typed("judge", ledger, "--json", "--store", studied)
    study, again = json.loads(of_study), json.loads(of_ledger)
    assert code == 0
    assert again.pop("ledger") == file_digest(ledger)
    assert (study.pop("ledger"), again.pop("segments")) == ("", {})
    assert study.pop("segments")
    assert json.dumps(again) == json.dumps(study)
    assert again["runs"] == {"base": 1, "random_labels": 0}
    assert "never taken" in again["notes"][0]
    assert [typed("judge", ledger, "-o", page)[0] for page in pages[2:]] == [0, 0]
    assert [page.read_bytes() for page in pages[:2]] == [page.read_bytes() for page in pages[2:]]
    code, out, _ = typed("judge", ledger, "--theory", "circuits", "--json", "-o", tmp_path / "card.json")
    assert code == 0
    assert {claim["theory"] for claim in json.loads(out)["claims"]} == {"circuits"}
    assert json.loads((tmp_path / "card.json").read_text())["ledger"] == file_digest(ledger)


def test_the_same_again_adds_nothing(typed: Any, studied: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "new.parquet"
    typed("evidence", "add", ledger, "made-up", "--store", studied)
    before = ledger.read_bytes()
    code, out, _ = typed("evidence", "add", ledger, "made-up", ledger, "--store", studied, "--json")
    assert (code, ledger.read_bytes()) == (0, before)
    assert json.loads(out) == {"ledger": file_digest(ledger), "runs": 0, "lines": 0, "whole seeds": {}, "lacking": {}}


def test_a_study_brings_its_looks_or_takes_those_of_the_ledger(typed: Any, studied: Path, tmp_path: Path) -> None:
    own, taken, looks = tmp_path / "own.parquet", tmp_path / "taken.parquet", Looks(sizes=(1, 2))
    study = load_study(studied, "made-up")
    replace(study, id="looked", looks=looks).save([])
    assert typed("evidence", "add", own, "looked", "--store", studied)[0] == 0
    assert read_ledger(own).looks == looks
    write_ledger(replace(read_ledger(own), arms=Arms(), places={}, lines=()), taken)
    assert typed("evidence", "add", taken, "made-up", "--store", studied)[0] == 0
    assert taken.read_bytes() == own.read_bytes()
    replace(study, id="other", looks=Looks(sizes=(1, 3))).save([])
    code, _, (err,) = typed("evidence", "add", own, "other", "--store", studied)
    assert code == 1
    assert "other cannot be added: it has another set of looks: 1, 3 seeds" in err
    of_study = json.loads(typed("judge", "looked", "--store", studied, "--json")[1])
    of_ledger = json.loads(typed("judge", own, "--json")[1])
    assert of_study | {"ledger": file_digest(own), "segments": {}} == of_ledger


def test_a_ledger_is_shown(typed: Any, tmp_path: Path) -> None:
    held = small((0, 1, 3, 4), looks=Looks(sizes=(4, 8)))
    ledger = write_ledger(
        replace(held, lines=(*held.lines[:3], line(4, value=None, missing="no"))), tmp_path / "x.parquet"
    )
    code, out, err = typed("evidence", "show", ledger)
    assert code == 0
    assert f"4 lines, digest {file_digest(ledger)}; 4, 8 seeds from 0 at a level of 0.05" in out
    assert "base\t4\t0\t4\t2" in out.splitlines()
    assert "made\tmade.one\t1\t1\t4\t4\t1" in out.splitlines()
    assert err == ["warning: the arm base has no run of the seeds 2: they count against its claims"]
    about = json.loads(typed("evidence", "show", ledger, "--json")[1])
    assert about["looks"] == {"sizes": [4, 8], "first": 0, "level": 0.05}
    assert about["arms"] == [{"arm": "base", "seeds": 4, "first": 0, "last": 4, "lacking": [2]}]
    (claim,) = about["claims"]
    assert (claim["lines"], claim["without an answer"], claim["seeds"]) == (4, 1, 4)
    rows = list(csv.DictReader(io.StringIO(typed("evidence", "show", ledger, "--csv", "--claim", "made.one")[1])))
    assert list(rows[0]) == list(COLUMNS)
    assert [float(row["value"]) for row in rows[:3]] == [0, 1 / 7, 3 / 7]
    assert (rows[3]["value"], rows[3]["missing"]) == ("", "no")
    code, _, err = typed("evidence", "show", ledger, "--theory", "mode")
    assert (code, len(err)) == (2, 1)
    assert "unknown theory 'mode'. Did you mean 'made'" in err[0]
    assert typed("evidence", "show", ledger, "--claim", "made.two")[0] == 2


@pytest.mark.usefixtures("known")
def test_seeds_of_others_are_added_with_a_warning_where_one_is_missing(typed: Any, tmp_path: Path) -> None:
    ledger, other = tmp_path / "x.parquet", tmp_path / "y.parquet"
    write_ledger(small((0, 1)), ledger)
    write_ledger(small((1, 4)), other)
    code, out, err = typed("evidence", "add", ledger, other)
    assert code == 0
    assert "1 runs and 1 lines were added" in out
    assert err == ["warning: the arm base has no run of the seeds 2 to 3: they count against its claims"]
    assert read_ledger(ledger) == small((0, 1, 4))


def test_whole_seeds_are_those_of_every_arm_that_a_claim_reads(typed: Any, tmp_path: Path) -> None:
    """The committed ledger in two: four seeds, and five more, of which one arm lacks the last."""
    whole = read_ledger(Path(__file__).parents[2] / "docs" / "evidence" / "confirmatory.parquet")

    def part(name: str, seeds: range, lacking: tuple[str, int] = ("", 0)) -> Path:
        def here(arm: str, seed: int) -> bool:
            return seed in seeds and (arm, seed) != lacking

        arms = Arms(arm.having(run for run in arm if here(arm.name, run.seed)) for arm in whole.arms.values())
        lines = tuple(line for line in whole.lines if here(line.arm, line.seed))
        return write_ledger(replace(whole, arms=arms, lines=lines), tmp_path / name)

    ledger = part("own.parquet", range(1000, 1004))
    other = part("other.parquet", range(1004, 1009), lacking=("kumar/alpha/4", 1008))
    before = ledger.read_bytes()
    code, out, _ = typed("evidence", "add", ledger, other)
    assert code == 0
    assert "lazy.alpha: 4 whole seeds were added, 1004 to 1007" in out.splitlines()
    assert "rank.below: 5 whole seeds were added, 1004 to 1008" in out.splitlines()
    ledger.write_bytes(before)
    added = json.loads(typed("evidence", "add", ledger, other, "--json")[1])["whole seeds"]
    assert (added["lazy.alpha"], added["rank.below"]) == ([*range(1004, 1008)], [*range(1004, 1009)])
    assert typed("evidence", "add", ledger, other)[1].count("whole seeds") == 0


@pytest.mark.usefixtures("known")
def test_what_contradicts_the_ledger_leaves_it_as_it_is(typed: Any, tmp_path: Path) -> None:
    ledger, good, bad = (tmp_path / f"{name}.parquet" for name in ("x", "good", "bad"))
    write_ledger(small((0, 1)), ledger)
    write_ledger(small((2,)), good)
    before = ledger.read_bytes()
    for wrong, message in (
        (small((0,), value=9.0), "seed 0: it is there twice: 0.0 of run base-0 and 9.0 of run base-0"),
        (small((2,), value=9.0), "seed 2: it is there twice"),  # contradicts what was added before it
        (small((3,), digest="bbb"), "another definition"),
        (small((3,), looks=Looks(sizes=(5, 10))), "another set of looks"),
    ):
        write_ledger(wrong, bad)
        code, out, err = typed("evidence", "add", ledger, good, bad)
        assert (code, out, len(err)) == (1, "", 1)
        assert err[0].startswith(f"error: {bad} cannot be added: ")
        assert message in err[0]
        assert ledger.read_bytes() == before
    bad.write_bytes(before[:-9])
    code, _, err = typed("evidence", "add", ledger, bad)
    assert (code, len(err)) == (1, 1)
    assert "bad.parquet is truncated or damaged" in err[0]


def test_theories_and_claims_that_are_not_here_are_named(typed: Any, tmp_path: Path) -> None:
    ledger = write_ledger(small(), tmp_path / "x.parquet")
    for command in (("judge", ledger), ("evidence", "add", tmp_path / "new.parquet", ledger)):
        code, _, err = typed(*command)
        assert (code, len(err)) == (1, 1)
        assert "lines of an unknown theory 'made'" in err[0]
        assert "plugin" in err[0]
    assert not (tmp_path / "new.parquet").exists()
    lines = tuple(line(seed, theory="circuits", claim="circuits.none", version=9) for seed in range(3))
    write_ledger(replace(small(), lines=lines), ledger)
    code, _, err = typed("evidence", "add", tmp_path / "new.parquet", ledger)
    assert (code, len(err)) == (1, 1)
    assert "lines of circuits: circuits.none v9, which no theory here has" in err[0]


def test_mistakes_are_one_line(typed: Any, studied: Path, tmp_path: Path) -> None:
    ledger = write_ledger(small(), tmp_path / "x.parquet")
    for arguments, message in (
        (("evidence", "add", ledger), "add needs what is to be added"),
        (("evidence", "add", ledger, ledger, "--csv"), "are of show"),
        (("evidence", "show", ledger, ledger), "show takes one ledger"),
        (("evidence", "show", tmp_path / "none.parquet"), "there is no ledger"),
        (("evidence", "remove", ledger), "remove"),
        (("evidence", "add", ledger, "nothing"), "nothing is neither a ledger (FILE.parquet) nor a study"),
        (("evidence", "add", tmp_path / "y.csv", "made-up"), "a ledger is a file .parquet"),
        (("judge", ledger, "made-up"), "a ledger is judged alone"),
        (("judge", ledger, "--table", "accuracy"), "--table is of a study"),
        (("judge", tmp_path / "none.parquet"), "there is no ledger"),
    ):
        code, _, err = typed(*arguments, "--store", studied)
        assert (code, len(err)) == (2, 1), arguments
        assert message in err[0], arguments


def test_ascending_numbers_in_words() -> None:
    assert ranges([3, 4, 5, 9, 11, 12]) == "3 to 5, 9, 11 to 12"
    assert ranges([]) == ""

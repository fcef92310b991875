"""The commands as a user types them: outcome, JSON, and one clear line with the right exit code for every mistake."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grokscope.cli.base import main
from grokscope.registry import names
from grokscope.runs.run import Run
from grokscope.runs.store import bundle
from grokscope.studies.experiment import train
from tests.conftest import TINY, tiny

SETTINGS = [part for field, value in TINY.items() for part in ("--set", f"{field}={value}")]


def run(capsys: pytest.CaptureFixture, *args: str) -> tuple[int, str, str]:
    try:
        code = main(list(args))
    except SystemExit as exit_:  # the parser's own way out
        code = int(exit_.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_run_ends_with_the_contracts_json(capsys: pytest.CaptureFixture, store: Path) -> None:
    code, out, err = run(capsys, "run", "--out", str(store), "--json", *SETTINGS)
    assert code == 0
    result = json.loads(out)
    assert set(result) >= {
        "run", "dir", "grokked", "memorized_at", "onset_at", "generalized_at", "delay", "steps", "steps_per_second",
        "measure_seconds", "train_seconds", "final", "report",
    }  # fmt: skip
    assert set(result["final"]) == {"train/loss", "train/accuracy", "test/loss", "test/accuracy"}
    assert result["steps"] == 60
    assert result["grokked"] is False
    assert Path(result["report"]).is_file()
    assert "disk: at most" in err
    assert "train loss" in err


def test_run_of_several_seeds_gives_the_spread(capsys: pytest.CaptureFixture, store: Path) -> None:
    code, out, _ = run(capsys, "run", "--out", str(store), "--seeds", "3", "--json", "--no-report", *SETTINGS)
    assert code == 0
    result = json.loads(out)
    assert [one["run"] for one in result["runs"]] == [f"{result['run']}-{number}" for number in range(3)]
    losses = sorted(one["final"]["train/loss"] for one in result["runs"])
    assert result["spread"]["train/loss"] == {"min": losses[0], "median": losses[1], "max": losses[2], "n": 3, "of": 3}
    assert result["spread"]["generalized_at"] == {"n": 0, "of": 3}
    assert result["generalized_at"] is None


def test_run_prints_a_summary_for_people(capsys: pytest.CaptureFixture, store: Path) -> None:
    code, out, _ = run(capsys, "run", "--store", str(store), "--no-report", *SETTINGS)  # --out by another name
    assert code == 0
    assert "steps/s" in out
    assert "memorised" in out


def test_run_says_what_does_less_than_it_seems_to(capsys: pytest.CaptureFixture, store: Path) -> None:
    sphere = ("--set", "norm_sphere=all")
    args = ("run", "--out", str(store), "--json", "--no-report", *SETTINGS, "--set", "max_steps=2")
    code, out, err = run(capsys, *args, *sphere)
    assert code == 0
    assert json.loads(out)["steps"] == 2
    assert err.startswith("note: weight_decay = 1 shrinks no weight: norm_sphere rescales all of them")
    assert "note" not in run(capsys, *args)[2]


def test_several_names_are_set_side_by_side(
    capsys: pytest.CaptureFixture, tiny_run: Run, pair: list[Run], tmp_path: Path
) -> None:
    target, at = tmp_path / "side.html", ("--store", str(pair[0].folder.parent))
    names = [run_.id for run_ in pair]
    code, out, _ = run(capsys, "report", *names, "-o", str(target), "--json", "--plotly", "folder", *at)
    assert code == 0
    assert json.loads(out) == {"runs": names, "report": str(target)}
    assert (tmp_path / "plotly-cartesian.min.js").is_file()
    code, _, err = run(capsys, "report", *names, "--story", *at)
    assert (code, "--story tells one run" in err) == (2, True)
    code, _, err = run(capsys, "report", tiny_run.id, "--story", "--store", str(tiny_run.folder.parent))
    assert (code, "has no story to tell" in err) == (1, True)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return train(
        [tiny(seed=seed, max_steps=4) for seed in (0, 1)], store=tmp_path_factory.mktemp("pair"), progress=False
    )


def test_measure_show_query_list_report(capsys: pytest.CaptureFixture, tiny_run: Run, store: Path) -> None:
    shutil.copytree(tiny_run.folder, store / tiny_run.id)
    at = ("--store", str(store), "--json")

    code, out, _ = run(capsys, "measure", "latest", "--only", "circuits.excluded_loss,weights.effective_rank", *at)
    assert code == 0
    measured = json.loads(out)
    assert measured["checkpoints"] == tiny_run.checkpoints
    assert measured["last"]["weights.effective_rank[tensor=W_E]"]["step"] == 60

    code, out, _ = run(capsys, "show", tiny_run.id[:6], *at)
    assert code == 0
    shown = json.loads(out)
    assert shown["run"] == tiny_run.id
    assert shown["config"]["p"] == 11
    assert isinstance(shown["key_frequencies"], list)

    code, out, _ = run(capsys, "query", "select count(*) from metrics where measure = 'circuits.excluded_loss'", *at)
    assert code == 0
    assert json.loads(out)["rows"] == [[len(tiny_run.checkpoints)]]

    code, out, _ = run(capsys, "list", "runs", *at)
    assert [one["run"] for one in json.loads(out)["runs"]] == [tiny_run.id]

    target = store / "page.html"
    code, out, _ = run(capsys, "report", "latest", "-o", str(target), "--lang", "zh", *at)
    assert code == 0
    assert json.loads(out)["report"] == str(target)
    assert target.stat().st_size > 1_000_000


def test_measuring_again_writes_nothing_twice(capsys: pytest.CaptureFixture, tiny_run: Run, store: Path) -> None:
    shutil.copytree(tiny_run.folder, store / tiny_run.id)
    for _ in range(2):
        assert run(capsys, "measure", "latest", "--store", str(store))[0] == 0
    sql = "select count(*), count(distinct (run, step, measure, view)) from metrics"
    total, distinct = json.loads(run(capsys, "query", sql, "--store", str(store), "--json")[1])["rows"][0]
    assert total == distinct > 100


@pytest.mark.parametrize("what", ["tasks", "models", "losses", "measures", "recipes", "fields"])
def test_list(capsys: pytest.CaptureFixture, what: str) -> None:
    code, out, _ = run(capsys, "list", what, "--json")
    assert code == 0
    rows = json.loads(out)[what]
    assert rows
    assert run(capsys, "list", what)[0] == 0
    if what == "measures":
        assert {row["id"] for row in rows} == set(names("measures"))
        assert all(row["unit"] and row["source"] for row in rows)
    if what == "fields":
        fields = {row["field"] for row in rows}
        assert {"p", "d_model", "weight_decay", "train_fraction"} <= fields
        assert all(row["what"] for row in rows)


@pytest.mark.parametrize("command", names("cli"))
def test_every_command_has_help(capsys: pytest.CaptureFixture, command: str) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert "--json" in out
    assert command in run(capsys)[1]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["run", "quikstart"], "unknown recipe 'quikstart'. Did you mean 'quickstart'?"),
        (["run", "--set", "wieght_decay=1"], "unknown field 'wieght_decay'. Did you mean 'weight_decay'?"),
        (["run", "--set", "p=2"], "p: input should be greater than or equal to 3 (got 2)"),
        (["run", "--set", "train_fraction=1.5"], "train_fraction: input should be less than 1 (got 1.5)"),
        (["run", "--set", "train_fraction=0"], "train_fraction: input should be greater than 0 (got 0)"),
        (["run", "--set", "p"], "--set takes field=value, got 'p'"),
        (["run", "--seeds", "0"], "seeds must be at least 1, got 0"),
        (["rnu"], "unknown command 'rnu'. Did you mean 'run'?"),
        (["run", "--set", "p=5", "--set", "train_fraction=0.01"], "train_fraction 0.01 leaves no training input of 25"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_2(
    capsys: pytest.CaptureFixture, store: Path, args: list[str], message: str
) -> None:
    out = ["--out", str(store)] if args[0] == "run" else []
    code, _, err = run(capsys, *args, *out)
    assert code == 2
    assert err.startswith(f"error: {message}")
    assert err.count("\n") == 1
    assert not store.exists()


def test_the_parsers_own_mistakes_exit_2(capsys: pytest.CaptureFixture) -> None:
    for args in (["run", "--sedes", "3"], ["run", "--seeds", "x"], ["list", "measurs"], ["query"]):
        assert run(capsys, *args)[0] == 2


def test_an_unknown_measure_is_answered_with_the_nearest(capsys: pytest.CaptureFixture, tiny_run: Run) -> None:
    store = str(tiny_run.folder.parent)
    code, _, err = run(capsys, "measure", "latest", "--only", "weights.nrom", "--store", store)
    assert code == 2
    assert "unknown measure 'weights.nrom'. Did you mean 'weights.norm'?" in err
    code, _, err = run(capsys, "show", "zzz", "--store", store)
    assert (code, err.count("\n")) == (2, 1)
    assert "unknown run 'zzz'" in err
    code, _, err = run(capsys, "query", "select nothing from metrics", "--store", store)
    assert (code, err.count("\n")) == (2, 1)


def test_a_store_that_is_not_one_is_said(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere")
    for args in (["show", "latest"], ["list", "runs"], ["query", "select 1"], ["report", "x"]):
        code, _, err = run(capsys, *args, "--store", missing)
        assert (code, err.count("\n")) == (1, 1), (args, err)
    (tmp_path / "fake").mkdir()
    code, _, err = run(capsys, "show", str(tmp_path / "fake"))
    assert code == 1
    assert "is not a run of grokscope: it has no pack.json" in err


def test_damage_is_one_line_and_loses_nothing_else(capsys: pytest.CaptureFixture, tiny_run: Run, store: Path) -> None:
    shutil.copytree(tiny_run.folder, store / tiny_run.id)
    checkpoint = store / tiny_run.id / "checkpoints.safetensors"
    second = bundle.parts(checkpoint.parent)[tiny_run.checkpoints[1]]
    content = bytearray(checkpoint.read_bytes())
    content[second.start : second.end] = bytes(second.end - second.start)
    checkpoint.write_bytes(content)
    code, _, err = run(capsys, "measure", "latest", "--store", str(store))
    assert (code, err.count("\n")) == (1, 1)
    assert f"truncated or damaged: {checkpoint}" in err
    with (store / tiny_run.id / "journal.jsonl").open("a") as journal:
        journal.write('{"run": "torn')
    code, out, _ = run(capsys, "show", "latest", "--store", str(store), "--json")
    assert code == 0
    assert json.loads(out)["steps"] == 60


def test_a_folder_that_cannot_be_written_is_said(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    """A file where the folder should be: refused to every user, root too."""
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "run", "--out", str(tmp_path / "file" / "runs"), *SETTINGS)
    assert code == 1
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_measuring_some_again_writes_nothing_twice(capsys: pytest.CaptureFixture, store: Path) -> None:
    assert run(capsys, "run", "--out", str(store), "--seeds", "2", "--json", *SETTINGS)[0] == 0
    (first,) = {path.parent.name for path in store.glob("*/pack.json")}
    assert (
        run(capsys, "measure", f"{first}-0", "--only", "weights.norm, behaviour.margin", "--store", str(store))[0] == 0
    )
    sql = "select count(*), count(distinct (run, step, measure, view)) from metrics"
    total, distinct = json.loads(run(capsys, "query", sql, "--store", str(store), "--json")[1])["rows"][0]
    assert total == distinct > 100


@pytest.mark.parametrize(
    "setting",
    [
        "task=null",
        "task=5",
        "loss=null",
        "optimizer=7",
        "self=1",
        "cls=1",
        "name=x",
        "p=1e9",
        "seed=99999999999999999999999",
    ],
)
def test_strange_settings_are_one_line(capsys: pytest.CaptureFixture, store: Path, setting: str) -> None:
    code, _, err = run(capsys, "run", "--out", str(store), "--set", setting)
    assert (code, err.count("\n")) == (2, 1), err
    assert setting.split("=", maxsplit=1)[0] in err


def command(*args: str, **environment: str) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-m", "grokscope", *args], env=os.environ | environment, **pipes)


def test_a_reader_that_leaves_is_no_error(tiny_run: Run) -> None:
    sql = "select a.value from metrics a, metrics b limit 200000"
    with command("query", sql, "--store", str(tiny_run.folder.parent)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_locale_without_utf8_is_no_error(tiny_run: Run) -> None:
    with command("show", "latest", "--store", str(tiny_run.folder.parent), PYTHONIOENCODING="ascii") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert b"t_mem" in out


def test_numbers_json_does_not_know_are_null(capsys: pytest.CaptureFixture, tiny_run: Run) -> None:
    code, out, _ = run(
        capsys,
        "query",
        "select 'nan'::double, 'inf'::double, 1.5::double",
        "--json",
        "--store",
        str(tiny_run.folder.parent),
    )
    assert code == 0
    assert json.loads(out)["rows"] == [[None, None, 1.5]]


def test_values_of_set() -> None:
    from grokscope.cli.run import assignment

    assert assignment("p=59") == ("p", 59)
    assert assignment("weight_decay=1e-1") == ("weight_decay", 0.1)
    assert assignment("betas=0.9,0.98") == ("betas", [0.9, 0.98])
    assert assignment("random_labels=True") == ("random_labels", True)
    assert assignment("task=modular_addition") == ("task", "modular_addition")

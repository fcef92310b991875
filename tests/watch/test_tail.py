"""Following a log: the same phases as of the finished file, whatever happens to it while it is written."""

import itertools
import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.errors import GrokscopeError
from grokscope.runs.curves.series import read_curves
from grokscope.watch import tail
from grokscope.watch.tail import follow
from tests.cli.test_commands import run

ROOT = Path(__file__).parents[2]
HEAD = "step,train_acc,test_acc,train_loss,test_loss\n"
STEPS = range(0, 3001, 100)


def row(step: int) -> str:
    """Memorised at 300, generalised at 2,000, the largest test loss at 1,200."""
    train, test = (float(step >= 300), float(step >= 2000))
    return f"{step},{train},{test},{5 - 4.99 * train},{5 + step / 100 if step <= 1200 else 3.0}\n"


ROWS = [row(step) for step in STEPS]
FOUND = {"memorized_at": 300, "onset_at": 1200, "generalized_at": 2000, "grokked": True}


_logs: list[tail.Log] = []


def opened(path: Path, given: dict[str, str] | None = None, **options: Any) -> tail.Log:
    """A log that is let go of at the end of the test."""
    _logs.append(tail.Log(path, given or {}, **options))
    return _logs[-1]


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    yield
    while _logs:
        _logs.pop().lines.close()


def found(log: tail.Log) -> dict[str, Any]:
    reached = log.phases()
    return {} if reached is None else {name: getattr(reached, name) for name in FOUND}


def append(path: Path, text: str) -> None:
    with path.open("a", newline="") as file:
        file.write(text)


# What is read


def test_a_file_that_comes_late_with_a_head_that_comes_late(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    log = opened(path)
    assert not log.look()
    path.touch()
    assert not log.look()
    for text in ("\n", HEAD[:9], HEAD[9:-1], "\n"):
        append(path, text)
        log.look()
        assert log.phases() is None
    append(path, "".join(ROWS))
    assert log.look()
    assert found(log) == FOUND
    assert not log.look()


def test_a_line_counts_once_its_end_is_there(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    log = opened(path)
    append(path, HEAD + "0,0.0,0.0,5,5\n100,0.5,0.1,5,5\n200,1.0,0")
    log.look()
    assert log.last_step == 100
    assert log.remarks() == ["the last line has no end yet and was left out"]
    append(path, ".25,1,1\r\n")
    log.look()
    assert log.last_step == 200
    assert log._curves["test_accuracy"][1].tolist() == [0.0, 0.1, 0.25]
    assert log.remarks() == []


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    lines = opened(path).lines
    append(path, HEAD + ROWS[0])
    assert b"".join(lines.new()).decode() == HEAD + ROWS[0]
    for text in ROWS[1:4]:
        append(path, text)
        assert b"".join(lines.new()).decode() == text
    assert list(lines.new()) == []
    # The whole log is written again and a little longer, as some loggers do, in its place or under its name.
    path.write_text(HEAD + "".join(ROWS[:5]))
    assert b"".join(lines.new()).decode() == ROWS[4]
    (other := tmp_path / "other").write_text(HEAD + "".join(ROWS[:6]))
    other.replace(path)
    assert b"".join(lines.new()).decode() == ROWS[5]


def test_a_million_lines_and_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, parsed = tmp_path / "log.csv", []
    numbers = np.arange(1_000_000)
    path.write_text("step,train_acc,test_acc\n" + "".join(f"{n},1.0,0.5\n" for n in numbers.tolist()))
    log, own = opened(path), tail.Log._parsed
    monkeypatch.setattr(tail.Log, "_parsed", lambda log, block: parsed.append(block.count(b"\n")) or own(log, block))
    log.look()
    assert (sum(parsed), log.last_step, found(log)["memorized_at"]) == (1_000_001, 999_999, 0)
    parsed.clear()
    append(path, "1000000,1.0,0.5\n")
    log.look()
    assert (parsed, log.last_step) == ([1], 1_000_000)


@pytest.mark.parametrize("with_head", [True, False])
@pytest.mark.parametrize("copied", [True, False])
def test_a_rotated_log_goes_on(tmp_path: Path, with_head: bool, copied: bool) -> None:
    path, old = tmp_path / "log.csv", tmp_path / "log.csv.1"
    log = opened(path)
    append(path, HEAD + "".join(ROWS[:10]))
    log.look()
    if copied:  # copied away, then cut off
        old.write_bytes(path.read_bytes())
        path.write_text("")
        log.look()
    else:
        append(path, ROWS[10])  # after the last look
        path.rename(old)
        log.look()
        append(old, ROWS[11])  # the writer still has it open
    append(path, (HEAD if with_head else "") + "".join(ROWS[10 if copied else 12 :]))
    log.look()
    assert found(log) == FOUND
    assert log._curves["test_accuracy"][0].tolist() == list(STEPS)
    assert log.notes == []


@pytest.mark.parametrize("in_place", [True, False])
def test_a_log_that_begins_again_forgets_what_was(tmp_path: Path, in_place: bool) -> None:
    path = tmp_path / "log.csv"
    log = opened(path)
    append(path, HEAD + "0,1,1,0,0\n100,1,1,0,0\n200,1,1,0,0\n300,1,1,0,0\n" + "9000,1,1,0,0\n" * 200)
    log.look()
    assert (found(log)["generalized_at"], log.last_step) == (0, 9000)
    if not in_place:
        path.unlink()
    path.write_text(HEAD + "".join(ROWS))  # shorter
    log.look()
    assert (found(log), log.last_step) == (FOUND, 3000)
    assert log.notes == ["the log was begun again, at step 0: what came before is forgotten"]
    path.write_text(HEAD + "".join(ROWS).replace("1.0", "0.5") + "3100,0,0,5,5\n" * 400)  # longer, and another
    log.look()
    assert found(log)["memorized_at"] is None


def test_a_resumed_training_writes_its_head_and_some_steps_again(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    log = opened(path)
    append(path, HEAD + "".join(ROWS[:8]) + "800,1,1,0,0\n900,1,1,0,0\n")
    log.look()
    append(path, HEAD + "".join(ROWS[8:]))
    log.look()
    assert found(log) == FOUND
    assert log.remarks() == ["8 values came at a step that had one: the last counts"]


def test_two_rows_at_a_step_and_blanks(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    log = opened(path)
    append(path, "epoch;acc;val_acc\n")
    for step in STEPS:
        append(path, f"{step};{float(step >= 300)};\n")
        log.look()
        append(path, f"{step};NaN;{'1,0' if step >= 2000 else '0,25'}\n")
        log.look()
    assert found(log) == FOUND | {"onset_at": None}
    assert log.remarks() == []


def test_losses_alone_and_values_that_are_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = opened(path)
    for step in STEPS:
        losses = {"train/loss": 4.7 if step < 300 else 0.01, "val/loss": 4.7 if step < 2000 else 0.05}
        append(path, json.dumps({"iteration": step} | losses | ({"val/loss": math.nan} if step == 700 else {})) + "\n")
        log.look()
    assert {**found(log), "onset_at": None} == FOUND | {"onset_at": None}
    assert log.columns == {"step": "iteration", "train_loss": "train/loss", "test_loss": "val/loss"}


def test_keys_that_differ_and_come_late(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = opened(path)
    with pytest.raises(GrokscopeError, match="is not there"):
        log.require_values()
    for step in STEPS:
        # A bare loss is the training loss once there is a test loss.
        append(path, json.dumps({"step": step, "loss": 4.7 if step < 300 else 0.01, "lr": 1e-3, "note": "x"}) + "\n")
        log.look()
        if step < 600:
            with pytest.raises(ValueError, match="no column of accuracies or losses among step, loss, lr, note"):
                log.require_values()
        if step >= 600:
            append(path, json.dumps({"step": step, "eval": {"loss": 4.7 if step < 2000 else 0.05}}) + "\n")
            log.look()
    assert found(log) | {"onset_at": None} == FOUND | {"onset_at": None}
    assert len(log._curves["train_loss"][0]) == len(STEPS)


def test_a_doubt_is_said_at_once_and_a_choice_stays(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    append(path, '{"step": 0, "train_acc": 0.1, "val_acc": 0.1, "test_acc": 0.2}\n')
    with pytest.raises(ValueError, match="test_accuracy could be any of val_acc, test_acc; name them"):
        opened(path).look()
    log = opened(path, {"test_accuracy": "test_acc", "step": "step"})
    log.look()
    assert log.columns == {"step": "step", "train_accuracy": "train_acc", "test_accuracy": "test_acc"}
    append(other := tmp_path / "other.jsonl", '{"step": 0, "val_acc": 0.1}\n')
    (log := opened(other)).look()
    append(other, '{"step": 1, "val_acc": 0.2, "test_acc": 0.1, "train_acc": 0.5, "global_step": 7}\n')
    log.look()
    assert log.columns == {"step": "step", "test_accuracy": "val_acc", "train_accuracy": "train_acc"}
    assert log.last_step == 1


@pytest.mark.parametrize(
    ("name", "pieces", "error", "message"),
    [
        ("a.csv", ("1,2\n", ""), GrokscopeError, "begins with numbers"),
        ("a.csv", ("step,x\n", ""), ValueError, "no column of accuracies or losses among step, x"),
        ("a.csv", ("step,acc\n", "0,1,2\n"), ValueError, "no column of accuracies"),
        ("a.csv", ("step,train_acc\n0,0\n", "1,2,3\n"), GrokscopeError, "row of 3 cells .*line 1 is here line 3 of"),
        (
            "a.csv",
            ("step,train_acc\n0,0\n", "1,x\n"),
            GrokscopeError,
            r"has 'x' in row 1; .*\(row 1 is the one in line 3",
        ),
        ("a.csv", ("step,train_acc\n0,0\n", "1,97\n"), GrokscopeError, "reaches 97: .*--percent"),
        ("a.csv", ("step,train_acc\n0,0\n", "1.5,1\n"), GrokscopeError, "expected whole numbers of steps"),
        ("a.csv", ("step,train_acc\n0,0\n", ",1\n"), GrokscopeError, "is empty in row 1: expected a step"),
        ("a.csv", ("step,train_acc\n0,0\n", b"\xff\xfe\n"), GrokscopeError, "is no text in UTF-8"),
        ("a.jsonl", ('{"step": 0, "train_acc": 0}\n', '{"step": 1, "tr\n'), GrokscopeError, "line 1 is not JSON"),
        ("a.jsonl", ('{"step": 0, "train_acc": 0}\n', "[1]\n"), GrokscopeError, "line 1 is a list.*here line 2"),
    ],
)
def test_a_bad_file_is_one_line(
    tmp_path: Path, name: str, pieces: tuple[str | bytes, ...], error: type[Exception], message: str
) -> None:
    path = tmp_path / name
    log = opened(path)

    def looks() -> None:
        for piece in pieces:
            with path.open("ab") as file:
                file.write(piece.encode() if isinstance(piece, str) else piece)
            log.look()

    with pytest.raises(error, match=message) as said:
        looks()
    assert type(said.value) is error
    assert "\n" not in str(said.value)


def test_what_is_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"ends in \.log: a log to follow ends in csv, tsv, txt, jsonl, ndjson"):
        opened(tmp_path / "train.log")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(GrokscopeError, match=r"cannot read .*: Is a directory"):
        opened(tmp_path / "folder.csv").look()
    monkeypatch.setattr(tail, "LONGEST_LINE", 1000)
    (path := tmp_path / "a.csv").write_bytes(b"\0" * 2000)
    with pytest.raises(GrokscopeError, match="a line of more than 1,000 bytes: it is no log"):
        opened(path).look()


CELLS = st.sampled_from(["", "nan", "0.0", "0.3", "0.96", "1.0", "1.0", "1.0"])


@given(
    rows=st.lists(st.tuples(st.integers(0, 40), CELLS, CELLS, CELLS), min_size=1, max_size=60),
    rising=st.booleans(),
    cuts=st.lists(st.integers(0, 2000), max_size=8),
    how=st.tuples(st.booleans(), st.integers(1, 3)),
)
def test_in_any_pieces_it_is_what_the_finished_file_is(
    tmp_path_factory: pytest.TempPathFactory, rows: Any, rising: bool, cuts: list[int], how: tuple[bool, int]
) -> None:
    as_json, stable = how
    names = ("step", "train_acc", "test_acc", "test_loss")
    rows = [(100 * step, *cells) for step, *cells in (sorted(rows) if rising else rows)]
    rows.append((100 * 50, "1.0", "1.0", "1.0"))  # a file of blanks alone has no curves
    if as_json:
        number = {"": None, "nan": math.nan}
        lines = [{name: number.get(str(cell), cell) for name, cell in zip(names, row, strict=True)} for row in rows]
        text = "".join(
            json.dumps({name: cell for name, cell in line.items() if cell is not None}) + "\n" for line in lines
        )
    else:
        text = "".join(",".join(map(str, row)) + "\n" for row in [names, *rows])
    path = tmp_path_factory.mktemp("cuts") / f"log.{'jsonl' if as_json else 'csv'}"
    log = opened(path)
    places = sorted({0, len(text), *(cut % len(text) for cut in cuts)})
    for start, end in itertools.pairwise(places):
        append(path, text[start:end])
        log.look()
    thresholds = {"stable": stable, "gap": 200.0}
    assert log.phases(**thresholds) == read_curves(path, {}).phases(**thresholds)


# How it ends


def ending(path: Path, **options: Any) -> tuple[str, list[str]]:
    said: list[str] = []
    log = opened(path)
    ended = follow(log, say=said.append, interval=0.01, **options)
    return ended.outcome, said


def test_it_ends_when_it_is_decided(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    append(path, HEAD + "".join(ROWS))
    said = ["memorized at step 300", "onset at step 1,200", "generalized at step 2,000"]
    assert ending(path) == ("grokked", said)
    assert ending(path, thresholds={"stable": 100}, until_idle=0.05) == ("idle", [])
    assert ending(path, max_steps=2100) == ("max_steps", said[:1])  # two evaluations are not three
    assert ending(path, max_steps=2200) == ("grokked", said)
    (quick := tmp_path / "quick.csv").write_text(HEAD + "".join(f"{step},1,1,0,0\n" for step in STEPS))
    assert ending(quick) == ("no_delay", ["memorized at step 0", "generalized at step 0"])
    with pytest.raises(ValueError, match="stable = 0: expected at least 1 evaluation"):
        ending(path, thresholds={"stable": 0})


def test_stages_are_said_as_they_come_and_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, said = tmp_path / "log.csv", []
    pieces = [HEAD + "".join(ROWS[:3]), "".join(ROWS[3:6]), "200,0.5,0,5,5\n300,0,0,5,5\n", "".join(ROWS[3:10])]
    pieces += ["".join(ROWS[10:22]), ROWS[22]]

    def written(_: float) -> None:
        said.append("|")
        append(path, pieces.pop(0))

    monkeypatch.setattr(time, "sleep", written)
    assert follow(opened(path), say=said.append).outcome == "grokked"
    assert said == [
        "|", "|", "memorized at step 300", "|", "memorized no longer: the log has gone back", "|",
        "memorized at step 300", "|", "|", "onset at step 1,200", "generalized at step 2,000",
    ]  # fmt: skip


# The command


def test_the_command_says_and_returns_the_ending(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    append(path, HEAD + "".join(ROWS))
    code, out, err = run(capsys, "watch", "--tail", str(path))
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "memorized at step 300",
        "onset at step 1,200",
        "generalized at step 2,000",
        "memorised its training data by step 300, generalised at step 2,000: it grokked, 1,700 steps later",
    ]
    code, out, err = run(capsys, "watch", "--tail", str(path), "--stable", "25", "--until-idle", "0.1", "--json")
    made = json.loads(out)
    assert (code, made["outcome"], made["memorized_at"], made["generalized_at"]) == (3, "idle", 300, None)
    assert made["columns"]["test_loss"] == "test_loss"
    assert err == "memorized at step 300\n"
    code, out, _ = run(capsys, "watch", "--tail", str(path), "--max-steps", "1500")
    assert code == 3
    assert out.splitlines()[-1].endswith("not generalised within 1,500 steps; it has come to step 1,500")


def test_what_the_command_cannot_follow_is_one_line_with_its_code(
    capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    (bad := tmp_path / "bad.jsonl").write_text('{"step": 0, "train_acc": 0}\n{"st\n')
    (log := tmp_path / "log.csv").write_text(HEAD)
    idle = ("--until-idle", "0.05")
    for code, words in (
        (1, [str(bad)]),
        (1, [str(tmp_path / "none.csv"), *idle]),
        (1, [str(log), *idle]),
        (2, [str(log), "--train", "trian_acc", *idle]),
        (2, [str(log), "--train", "step", *idle]),
        (2, [str(tmp_path / "x.log")]),
        (2, [str(log), "--interval", "0"]),
        (2, [str(log), "--until-idle", "nan"]),
        (2, [str(log), "--train-threshold", "2"]),
    ):
        found, out, err = run(capsys, "watch", "--tail", *words)
        assert (found, out, err.count("\n")) == (code, "", 1), words
    (one := tmp_path / "one.csv").write_text("step,test_acc\n" + "".join(f"{step},1\n" for step in STEPS))
    code, out, _ = run(capsys, "watch", "--tail", str(one), *idle)
    assert code == 3
    assert "note: no train curve was found: grokking needs both\n" in out


WATCH = [sys.executable, "-m", "grokscope", "watch", "--interval", "0.05"]
# A training in another language: a line every hundredth of a second, the file made late, lines in pieces.
TRAINING = textwrap.dedent("""
    sleep 0.3
    echo 'step,train_acc,test_acc' > log.csv
    step=0
    while true; do
        train=0.1; test=0.1
        [ $step -ge 300 ] && train=1.0
        [ $step -ge 2000 ] && test=1.0
        printf '%s,%s' $step $train >> log.csv
        printf ',%s\\n' $test >> log.csv
        step=$((step + 100))
        sleep 0.02
    done
""")


def started(command: list[str], folder: Path) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen]]:
    made: list[subprocess.Popen] = []

    def start() -> subprocess.Popen:
        made.append(subprocess.Popen(["sh", "-c", TRAINING], cwd=tmp_path))
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait()


def test_a_process_is_followed_while_it_writes(training: Callable[[], subprocess.Popen], tmp_path: Path) -> None:
    watching = started([*WATCH, "--tail", "log.csv", "--until-idle", "60"], tmp_path)
    job = training()
    out, _ = watching.communicate(timeout=120)
    assert job.poll() is None
    assert out.splitlines()[:2] == ["memorized at step 300", "generalized at step 2,000"]
    assert watching.returncode == 0


def test_a_script_stops_its_job_by_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "training.sh").write_text(TRAINING)
    script = textwrap.dedent(f"""
        sh training.sh & job=$!
        "{sys.executable}" -m grokscope watch --interval 0.05 --tail log.csv --max-steps 1000000 > said.txt
        code=$?
        kill $job
        wait $job
        echo "job ended with $?, watch with $code"
    """)
    out, _ = started(["sh", "-c", script], tmp_path).communicate(timeout=120)
    assert out == "job ended with 143, watch with 0\n"
    last = (tmp_path / "log.csv").read_text().splitlines()
    assert 22 <= len(last) - 1 < 1000


def test_ctrl_c_has_a_code_of_its_own(tmp_path: Path) -> None:
    append(tmp_path / "log.csv", HEAD + "".join(ROWS[:10]))
    watching = started([*WATCH, "--tail", "log.csv"], tmp_path)
    assert watching.stdout is not None
    assert watching.stdout.readline() == "memorized at step 300\n"
    watching.send_signal(signal.SIGINT)
    out, _ = watching.communicate(timeout=60)
    assert watching.returncode == 130
    assert out.endswith("not generalised within 900 steps; interrupted\n")

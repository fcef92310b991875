"""`grokscope import --as curves` and `grokscope phases`: anybody's curves, and every other command on them."""

import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import grokscope as gs
from grokscope.runs.store.index import index
from tests.cli.test_commands import run
from tests.conftest import tiny

BOARD = Path(__file__).parents[1] / "data" / "tensorboard"
STEPS = np.arange(0, 10_001, 100)


def grokking(**more: Any) -> dict[str, np.ndarray]:
    """Memorised at 500, generalised at 6,000, the largest test loss at 2,000."""
    return {
        "iteration": STEPS,
        "acc/train": (STEPS >= 500).astype(float),
        "acc/test": (STEPS >= 6000).astype(float),
        "loss/train": np.where(STEPS >= 500, 0.001, 4.7),
        "loss/test": np.where(STEPS >= 6000, 0.001, 5 + 10 * np.exp(-(((STEPS - 2000) / 800) ** 2))),
    } | more


def write(path: Path, columns: dict[str, Any]) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **{name.replace("/", "_"): cells for name, cells in columns.items()})
        return path
    rows = list(zip(*(np.asarray(cells).tolist() for cells in columns.values()), strict=True))
    if path.suffix == ".jsonl":
        plain = [
            {n: v for n, v in zip(columns, row, strict=True) if v is not None and not math.isnan(v)} for row in rows
        ]
        path.write_text("\n".join(map(json.dumps, plain)))
        return path
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([["" if str(v) in ("None", "nan") else v for v in row] for row in rows])
    return path


@pytest.mark.parametrize("name", ["c.csv", "c.jsonl", "c.npz"])
def test_curves_are_a_run_for_every_command(capsys: pytest.CaptureFixture, tmp_path: Path, name: str) -> None:
    sometimes = np.where(STEPS % 300 == 0, grokking()["acc/train"], np.nan)
    path, store = write(tmp_path / name, grokking(**{"acc/train": sometimes})), tmp_path / "runs"
    columns = "train_accuracy=acc/train,step=iteration"
    args = ["--map", columns if name != "c.npz" else columns.replace("/", "_"), "--out", str(store), "--json"]
    for _ in range(2):  # the same file is the same run
        code, out, err = run(capsys, "import", str(path), "--as", "curves", *args)
        assert (code, err) == (0, "")
    made = json.loads(out)
    stages = [made[stage] for stage in ("memorized_at", "onset_at", "generalized_at", "grokked", "lost_at")]
    assert stages == [600, 2000, 6000, True, None]
    assert made["final"] == {"train/loss": 0.001, "train/accuracy": 1.0, "test/loss": 0.001, "test/accuracy": 1.0}
    assert made["imported"]["file"] == name
    assert set(made["imported"]["columns"]) == {
        "step", "train_accuracy", "test_accuracy", "train_loss", "test_loss",
    }  # fmt: skip
    about = json.loads((store / made["run"] / "pack.json").read_text())
    assert about["runs"] == [{"run": made["run"], "config": None}]
    assert (about["device"], about["threads"]) == (None, None)

    at = ("--store", str(store))
    shown = json.loads(run(capsys, "show", "latest", *at, "--json")[1])
    assert (shown["config"], shown["key_frequencies"], shown["checkpoints"], shown["state"]) == (None, None, [], "done")
    text = run(capsys, "show", made["run"][:6], *at)[1]
    assert "not known" in text
    assert "modular" not in text
    assert [one["run"] for one in json.loads(run(capsys, "list", "runs", *at, "--json")[1])["runs"]] == [made["run"]]
    assert f"imported from {name}; its training is not known" in run(capsys, "list", *at)[1]
    sql = "select r.run, r.state, count(*) from runs r join metrics m on m.run = r.run group by all"
    rows = json.loads(run(capsys, "query", sql, *at, "--json")[1])["rows"]
    assert rows == [[made["run"], "done", 34 + 3 * len(STEPS)]]
    for lang in ("en", "zh"):
        assert run(capsys, "report", "latest", *at, "--lang", lang, "-o", str(tmp_path / "page.html"))[0] == 0
        page = re.sub(r"<script.*?</script>", "", (tmp_path / "page.html").read_text(), flags=re.DOTALL)
        assert name in page
        assert "weight_decay" not in page.replace("weight_decay_", "")
        assert "modular" not in page
        assert page.count('class="missing"') == 16
    assert "not known" in run(capsys, "show", "latest", *at)[1]
    exported = run(capsys, "export", "latest", "--to", "csv", *at)[1].strip()
    assert Path(exported).read_text().count("\n") == 1 + rows[0][2]
    steps, values = gs.load(store / made["run"]).series("test/accuracy")
    assert np.array_equal(steps, STEPS)
    assert np.array_equal(values, grokking()["acc/test"])


def test_what_curves_cannot_do_is_one_line(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path, store = write(tmp_path / "c.csv", grokking()), tmp_path / "runs"
    assert run(capsys, "import", str(path), "--as", "curves", "--out", str(store))[0] == 0
    said = "holds curves from c.csv: no weights, and what was trained is not known"
    for command in (["export", "latest", "--to", "safetensors"], ["judge", "latest"], ["measure", "latest"]):
        code, _, err = run(capsys, *command, "--store", str(store))
        assert (code, err.count("\n")) == (1, 1), command
        assert said in err or "is curves alone: there are no weights to measure" in err
    made = gs.load(next(store.glob("*/pack.json")).parent)
    assert repr(made).startswith(f"Run({made.id}, curves, step 10000")
    with pytest.raises(gs.StoreError, match=said):
        made.snapshot()
    # Beside them a sweep finds what it has.
    config = tiny(max_steps=5)
    trained = gs.train(config, store=store, progress=False)
    assert index(store, {config.key: 5}.get).done == {5: trained.id}


def test_the_log_of_a_resumed_run_is_merged_and_said(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    code, out, _ = run(capsys, "import", str(BOARD), "--as", "curves", "--out", str(tmp_path), "--json")
    assert code == 0
    made = json.loads(out)
    (remark,) = made["imported"]["remarks"]
    assert remark == "3 steps come more than once (the log of a resumed run): the last value counts"
    _, values = gs.load(tmp_path / made["run"]).series("train/accuracy")
    assert len(values) == 101
    assert values[48] == pytest.approx(0.999 / (1 + (1 / 48) ** 6), rel=1e-6)
    assert (made["memorized_at"], made["grokked"]) == (300, True)
    assert "more than once" in run(capsys, "show", "latest", "--store", str(tmp_path))[1]


def test_rows_of_one_step_that_say_different_things_are_no_repetition(
    capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    rows = [row for step in range(6) for row in ({"_step": step, "train_acc": 1}, {"_step": step, "val_acc": 0.5})]
    (tmp_path / "h.jsonl").write_text("\n".join(map(json.dumps, rows)))
    args = ("import", str(tmp_path / "h.jsonl"), "--as", "curves", "--out", str(tmp_path), "--json")
    made = json.loads(run(capsys, *args)[1])
    assert made["imported"]["remarks"] == []
    assert (made["memorized_at"], made["generalized_at"]) == (0, None)
    assert made["notes"][0].startswith("train_accuracy is 1 at its first evaluation, step 0")


def test_a_fall_back_stands_everywhere(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    accuracy = np.where((STEPS >= 3000) & (STEPS < 8000), 1.0, 0.01)
    path = write(tmp_path / "c.csv", grokking(**{"acc/test": accuracy}))
    code, out, _ = run(capsys, "import", str(path), "--as", "curves", "--out", str(tmp_path / "runs"))
    assert code == 0
    assert "it grokked, 2,500 steps later; lost again from step 8,000 on" in out
    at = ("--store", str(tmp_path / "runs"))
    assert json.loads(run(capsys, "show", *at, "--json")[1])["lost_at"] == 8000
    assert "lost again at step 8,000" in run(capsys, "show", *at)[1]
    assert re.search(r" 2,500 +lost ", run(capsys, "list", *at)[1])
    assert json.loads(run(capsys, "query", "select lost_at from runs", *at, "--json")[1])["rows"] == [[8000]]
    for lang, said in (("en", "Then it lost what it had found: from step 8,000 on"), ("zh", "从第 8,000 步起")):
        run(capsys, "report", *at, "--lang", lang, "-o", str(tmp_path / "page.html"))
        assert said in (tmp_path / "page.html").read_text()


def test_losses_alone_of_a_squared_error(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    columns = {
        "step": STEPS,
        "train_mse": np.where(STEPS >= 500, 1e-6, 0.0103),
        "test_mse": np.where(STEPS >= 6000, 1e-6, 0.0103),
    }
    path = write(tmp_path / "c.csv", columns)
    made = json.loads(run(capsys, "import", str(path), "--as", "curves", "--out", str(tmp_path), "--json")[1])
    assert (made["memorized_at"], made["generalized_at"], made["grokked"]) == (500, 6000, True)
    assert len(made["notes"]) == 2
    run(capsys, "report", "--store", str(tmp_path), "-o", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert "had memorised its training data by step 500 and generalised by step 6,000" in page
    assert "train loss begins at 0.0103, step 0: it is no cross-entropy in nats" in page
    assert "loss [nats]" not in page


@pytest.mark.parametrize(
    ("columns", "options", "code", "said"),
    [
        ({"acc/test": 100 * (STEPS >= 6000)}, [], 2, "test_accuracy reaches 100: expected shares of 1; .* --percent"),
        ({"acc/test": np.full(len(STEPS), 1.03)}, [], 2, "test_accuracy reaches 1.03"),
        ({"acc/test": ["off"] * len(STEPS)}, [], 2, "column 'acc/test' has 'off' in row 1; NaN means not evaluated"),
        ({"iteration": STEPS / 3}, [], 2, "steps contain 33.3"),
        ({"iteration": [None, *STEPS[1:]]}, [], 2, "'iteration' is empty in row 1: expected a step"),
        ({}, ["--map", "train_accuracy=acc"], 2, "unknown column 'acc'. .* Known: acc/test, acc/train, iteration"),
        ({}, ["--map", "nonsense"], 2, "--map takes name=column"),
        ({}, ["--set", "p=113"], 2, "--set: the training behind curves is not known"),
        ({}, ["--task", "sparse_parity"], 2, "--task: the training behind"),
        ({"acc/train": [None] * len(STEPS)}, ["--map", "train_accuracy=acc/train"], 0, ""),
    ],
)
def test_mistakes_are_one_line_and_make_no_run(  # noqa: PLR0917
    capsys: pytest.CaptureFixture, tmp_path: Path, columns: dict, options: list[str], code: int, said: str
) -> None:
    path, store = write(tmp_path / "c.csv", grokking(**columns)), tmp_path / "runs"
    found, _, err = run(capsys, "import", str(path), "--as", "curves", "--out", str(store), *options)
    assert (found, err.count("\n")) == (code, int(code > 0))
    assert re.search(said, err)
    assert store.exists() == (code == 0)


def test_per_cent_is_divided_when_asked(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    columns = grokking(**{f"acc/{split}": 100 * grokking()[f"acc/{split}"] for split in ("train", "test")})
    path = write(tmp_path / "c.csv", columns)
    args = ("import", str(path), "--as", "curves", "--percent", "--out", str(tmp_path / "runs"), "--json")
    made = json.loads(run(capsys, *args)[1])
    assert (made["memorized_at"], made["generalized_at"], made["final"]["test/accuracy"]) == (500, 6000, 1.0)
    shares = write(tmp_path / "s.csv", grokking(**{"acc/train": STEPS / 2e6, "acc/test": STEPS / 2e6}))
    assert "may be shares already" in run(capsys, "phases", str(shares), "--percent")[1]


# `grokscope phases`


def test_phases_of_a_file(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", grokking())
    named = ("--train", "acc/train", "--test", "acc/test", "--step", "iteration")
    for columns in (named, named[:4], ()):
        code, out, err = run(capsys, "phases", str(path), *columns, "--json")
        found = json.loads(out)
        assert (code, err) == (0, "")
        assert (found["memorized_at"], found["onset_at"], found["generalized_at"]) == (500, 2000, 6000)
        assert (found["grokked"], found["lost_at"], found["notes"]) == (True, None, [])
        assert found["columns"]["test_accuracy"] == "acc/test"
    of_losses = json.loads(
        run(capsys, "phases", str(path), "--train", "loss/train", "--test", "loss/test", "--json")[1]
    )
    assert of_losses["generalized_at"] == 6000
    strict = run(capsys, "phases", str(path), *named, "--stable", "200", "--json")[1]
    assert json.loads(strict)["generalized_at"] is None
    text = run(capsys, "phases", str(path))[1]
    assert "it grokked, 5,500 steps later" in text
    assert "generalized_at  6,000" in text


def test_phases_of_a_bad_file(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", grokking())
    for args, code, said in (
        ((str(tmp_path / "none.csv"),), 1, "is not there"),
        ((str(path), "--train", "acc"), 2, "unknown column 'acc'"),
        ((str(path), "--train", "iteration"), 2, "does not say whether it holds accuracies or losses"),
        ((str(path), "--train-threshold", "99"), 2, "train_threshold = 99.0: expected a share of 1"),
    ):
        found, _, err = run(capsys, "phases", *args)
        assert (found, err.count("\n")) == (code, 1)
        assert said in err


def test_the_python_face() -> None:
    curves = grokking()
    found = gs.phases(curves["iteration"], train_accuracy=curves["acc/train"], test_accuracy=curves["acc/test"])
    assert (found.memorized_at, found.generalized_at) == (500, 6000)


def test_phases_says_which_columns_it_read(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    """Of two columns of steps the nearest to a count of updates is taken, and named."""
    curves = grokking()
    path = write(tmp_path / "c.csv", {"global_step": curves["iteration"], **curves})
    read = "test_accuracy = acc/test, step = global_step"
    assert read in run(capsys, "phases", str(path), "--train", "acc/train", "--test", "acc/test")[1]


def test_a_column_that_does_not_fit_is_never_assumed(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    curves = grokking()
    path = write(tmp_path / "c.csv", curves | {"acc/blank": np.full(len(curves["iteration"]), np.nan)})
    for args, said in (
        (("--train", "acc/train", "--test", "acc/train"), "'acc/train' cannot be both train_accuracy and test_acc"),
        (("--train", "acc/train", "--step", "acc/train"), "'acc/train' cannot be both train_accuracy and step"),
        (("--train", "acc/train", "--test", "acc/blank"), "column 'acc/blank' has no value"),
    ):
        code, out, err = run(capsys, "phases", str(path), *args)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert said in err


def test_phases_notes_a_name_of_the_other_split(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", grokking())
    swapped = json.loads(run(capsys, "phases", str(path), "--train", "acc/test", "--test", "acc/train", "--json")[1])
    assert swapped["notes"][:2] == [
        "column 'acc/test' was given as train, and its name says test",
        "column 'acc/train' was given as test, and its name says train",
    ]


def test_phases_says_nothing_of_a_split_without_a_curve(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    curves = grokking()
    two = {"val_acc": curves["acc/test"], "test_acc": curves["acc/test"]}
    path = write(tmp_path / "c.csv", {"step": curves["iteration"], "acc": curves["acc/train"], **two})
    text = run(capsys, "phases", str(path), "--train", "acc")[1]  # which of the two is the test, nobody knows
    assert text.startswith("memorised at step 500\n")
    assert "note: no curve of test inputs was read: --test COLUMN names it" in text
    one = write(tmp_path / "d.csv", {"step": curves["iteration"], "test_acc": curves["acc/test"]})
    assert run(capsys, "phases", str(one))[1].startswith("generalised at step 6,000\n")

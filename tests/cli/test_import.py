"""`grokscope import` as a user types it, and every other command on what it made."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

import grokscope as gs
from grokscope.runs.run import Run
from tests.cli.test_commands import run

PIZZA = Path(__file__).parents[1] / "data" / "pizza" / "model_p99zdpze5l.pt"


def test_the_released_pizza_is_a_run_like_any_other(capsys: pytest.CaptureFixture, store: Path) -> None:
    """arXiv:2306.17844, model A: loss 1.384e-7 over all inputs, norm 22.854."""
    code, out, err = run(capsys, "import", str(PIZZA), "--as", "pizza", "--out", str(store), "--json")
    assert (code, err) == (0, "")
    imported = json.loads(out)
    assert imported["imported"]["file"] == PIZZA.name
    assert imported["final"]["train/loss"] == pytest.approx(1.384e-7, rel=5e-4)
    assert (imported["steps"], imported["checkpoints"], imported["grokked"]) == (20_000, [20_000], False)
    at = ("--store", str(store), "--json")
    assert "circuits.excluded_loss" not in gs.load(store / imported["run"]).rows().measures  # left to `measure`

    only = "behaviour.train_loss,weights.norm,circuits.key_frequencies,behaviour.test_loss,weights.relative_movement"
    code, out, _ = run(capsys, "measure", "latest", "--only", only, *at)
    assert code == 0
    measured = json.loads(out)
    last = {name: number["value"] for name, number in measured["last"].items()}
    assert last["behaviour.train_loss"] == pytest.approx(1.384e-7, rel=5e-4)
    assert last["weights.norm"] == pytest.approx(22.854, abs=5e-4)
    assert set(measured["missing"]) == {"behaviour.test_loss", "weights.relative_movement"}

    code, out, _ = run(capsys, "show", imported["run"][:6], *at)
    shown = json.loads(out)
    assert (code, shown["state"], shown["key_frequencies"]) == (0, "done", [3, 15, 17])
    assert run(capsys, "show", "latest", "--store", str(store))[0] == 0

    code, out, _ = run(capsys, "list", "runs", *at)
    assert [one["run"] for one in json.loads(out)["runs"]] == [imported["run"]]

    code, out, _ = run(capsys, "query", "select run, state, step, p from runs", *at)
    assert (code, json.loads(out)["rows"]) == (0, [[imported["run"], "done", 20_000, 59]])

    assert run(capsys, "report", "latest", "-o", str(store / "page.html"), *at)[0] == 0
    assert (store / "page.html").stat().st_size > 1_000_000


def test_a_state_dict_is_imported_once(capsys: pytest.CaptureFixture, tiny_run: Run, store: Path) -> None:
    state = {f"blocks.0.mlp.{name}": tensor for name, tensor in tiny_run.snapshot().params.items()}
    store.mkdir()
    torch.save(state, store / "w.pt")
    args = ("import", str(store / "w.pt"), "--as", "transformer-lens", "--task", "modular_addition")
    for _ in range(2):
        code, out, _ = run(capsys, *args, "--set", "p=11", "--set", "train_fraction=0.5", "--out", str(store))
        assert code == 0
        assert "test/accuracy" in out
    (folder,) = [path.parent for path in store.glob("*/pack.json")]
    found = gs.load(folder)
    assert torch.equal(found.snapshot().logits, tiny_run.snapshot().logits)
    assert found.summary()["final"] == pytest.approx(tiny_run.summary()["final"], rel=1e-4)
    sql = "select count(*), count(distinct (run, step, measure, view)) from metrics"
    total, distinct = json.loads(run(capsys, "query", sql, "--store", str(store), "--json")[1])["rows"][0]
    assert total == distinct > 10


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def test_a_file_that_would_run_code_is_one_line(capsys: pytest.CaptureFixture, tmp_path: Path, store: Path) -> None:
    torch.save({"W_E": Evil(tmp_path / "mark")}, tmp_path / "evil.pt")
    shutil.copy(PIZZA.with_name("config_p99zdpze5l.json"), tmp_path / "config_evil.json")
    for format in ("pizza", "transformer-lens", "safetensors"):
        code, out, err = run(capsys, "import", str(tmp_path / "evil.pt"), "--as", format, "--out", str(store))
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "would run" in err or "no safetensors file" in err
    assert not (tmp_path / "mark").exists()
    assert not store.exists()


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--as", "pizza", "--set", "p=61"], 2, "error: W_E has shape (59, 128), expected (61, 128)"),
        (["--as", "pizza", "--set", "wieght_decay=1"], 2, "error: unknown field 'wieght_decay'. Did you mean"),
        (["--as", "pizza", "--set", "task=sparse_parity"], 2, "error: task cannot be set with --set"),
        (["--as", "pizza", "--set", "path=x"], 2, "error: path cannot be set with --set"),
        (["--as", "pizza", "--task", "modular_adition"], 2, "error: unknown task 'modular_adition'. Did you mean"),
        (["--as", "pizza", "--config", "nowhere.json"], 1, "error: cannot read nowhere.json"),
        (["--as", "safetensors"], 1, "error: "),
        (["--as", "onnx"], 2, ""),
        ([], 2, ""),
    ],
)
def test_mistakes_are_one_line(
    capsys: pytest.CaptureFixture, store: Path, more: list[str], code: int, message: str
) -> None:
    found, _, err = run(capsys, "import", str(PIZZA), "--out", str(store), *more)
    assert found == code
    assert err.startswith(message)
    assert not message or err.count("\n") == 1
    assert not store.exists()

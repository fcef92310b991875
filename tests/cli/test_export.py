"""`grokscope export` as a user types it."""

import json
from pathlib import Path

import pytest

from grokscope.runs.run import Run
from tests.cli.test_commands import run

PIZZA = Path(__file__).parents[1] / "data" / "pizza" / "model_p99zdpze5l.pt"


@pytest.mark.parametrize("to", ["transformer-lens", "safetensors", "csv", "parquet"])
def test_every_format(capsys: pytest.CaptureFixture, tiny_run: Run, tmp_path: Path, to: str) -> None:
    at = ("--to", to, "-o", str(tmp_path / "file"), "--store", str(tiny_run.folder.parent))
    code, out, err = run(capsys, "export", tiny_run.id, *at, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"run": tiny_run.id, "file": str(tmp_path / "file"), "not_in_file": {}}
    assert (tmp_path / "file").stat().st_size > 1000
    assert run(capsys, "export", "latest", *at)[1].strip() == str(tmp_path / "file")


def test_there_and_back(capsys: pytest.CaptureFixture, store: Path) -> None:
    """The released pizza network through TransformerLens's names, which do not know its attention rate."""
    out = ("--out", str(store), "--json")
    first = json.loads(run(capsys, "import", str(PIZZA), "--as", "pizza", *out)[1])
    code, text, err = run(capsys, "export", "latest", "--to", "transformer-lens", "--store", str(store), "--json")
    assert (code, err.count("\n")) == (0, 1)
    assert "warning: TransformerLens has no attention_rate = 0.0" in err
    rate = ("--set", "p=59", "--set", "attention_rate=0")
    again = run(capsys, "import", json.loads(text)["file"], "--as", "transformer-lens", *rate, *out)
    assert json.loads(again[1])["final"] == first["final"]


def test_mistakes_are_one_line(capsys: pytest.CaptureFixture, tiny_run: Run) -> None:
    at = ("--store", str(tiny_run.folder.parent))
    assert run(capsys, "export", tiny_run.id, "--to", "onnx", *at)[0] == 2
    assert run(capsys, "export", tiny_run.id, *at)[0] == 2
    code, _, err = run(capsys, "export", tiny_run.id, "--to", "csv", "--step", "3", *at)
    assert (code, err.count("\n")) == (2, 1)
    code, _, err = run(capsys, "export", tiny_run.id, "--to", "safetensors", "--step", "7", *at)
    assert (code, err.count("\n")) == (1, 1)
    assert "no checkpoint at step 7" in err

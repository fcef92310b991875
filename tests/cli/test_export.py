"""`grokscope export` as a user types it."""

import json
import shutil
import zipfile
from pathlib import Path

import duckdb
import pytest
import torch

from grokscope.cli.base import main
from grokscope.runs.run import Run, load, runs
from grokscope.runs.store.lock import hold
from tests.cli.test_commands import run

PIZZA = Path(__file__).parents[1] / "data" / "pizza" / "model_p99zdpze5l.pt"


@pytest.mark.parametrize("to", ["transformer-lens", "transformer-bridge", "safetensors", "csv", "parquet"])
def test_every_format(capsys: pytest.CaptureFixture, tiny_run: Run, tmp_path: Path, to: str) -> None:
    at = ("--to", to, "-o", str(tmp_path / "file"), "--store", str(tiny_run.folder.parent))
    code, out, err = run(capsys, "export", tiny_run.id, *at, "--json")
    assert (code, err) == (0, "")
    config = {"config": str(tmp_path / "file.json")} if to.startswith("transformer") else {}
    assert json.loads(out) == {"run": tiny_run.id, "file": str(tmp_path / "file"), "not_in_file": {}} | config
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


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a sweep of four runs in two cells."""
    store = tmp_path_factory.mktemp("swept") / "runs"
    fields = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 12, "max_steps": 4, "train_fraction": 0.5}
    settings = [word for name, value in fields.items() for word in ("--set", f"{name}={value}")]
    words = ["sweep", "quickstart", "--grid", "weight_decay=0.5,1", *settings, "--seeds", "2", "--store", str(store)]
    assert main([*words, "--workers", "1"]) == 0
    return store


@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_the_numbers_of_a_sweep_are_one_table(
    capsys: pytest.CaptureFixture, swept: Path, tmp_path: Path, to: str
) -> None:
    """With what differs between its runs beside their ids."""
    path = tmp_path / f"all.{to}"
    code, out, err = run(capsys, "export", "sweep-quick", "--to", to, "-o", str(path), "--store", str(swept), "--json")
    assert (code, err, json.loads(out)["file"]) == (0, "", str(path))
    numbers = duckdb.read_csv(str(path)) if to == "csv" else duckdb.read_parquet(str(path))
    assert numbers.columns == ["run", "weight_decay", "seed", "step", "measure", "view", "value"]
    known = {one.id: (one.config.weight_decay, one.config.seed, len(one.rows())) for one in runs(swept)}
    found = duckdb.sql("select run, any_value(weight_decay), any_value(seed), count(*) from numbers group by run")
    assert {row[0]: row[1:] for row in found.fetchall()} == known
    assert len(known) == 4


@pytest.mark.parametrize("whole", [True, False])
def test_a_zip_is_a_store_on_another_machine(
    capsys: pytest.CaptureFixture, swept: Path, tmp_path: Path, whole: bool
) -> None:
    one = next(iter(runs(swept)))
    name, path, there = "sweep-quick" if whole else one.id, tmp_path / "all.zip", tmp_path / "there"
    at = ("--to", "zip", "--store", str(swept))
    assert run(capsys, "export", name, *at, "-o", str(path))[0] == 0
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert not {"lock"} & {Path(name).name for name in archive.namelist()}
        archive.extractall(there)
    whole_there, whole_here = (run(capsys, "doctor", "--store", str(store)) for store in (there, swept))
    assert (whole_there[0], whole_there[1].splitlines()[-1]) == (0, whole_here[1].splitlines()[-1])  # packs, damages
    again = load(there / one.id)
    assert torch.equal(again.snapshot().logits, one.snapshot().logits)
    assert again.rows().values.tolist() == one.rows().values.tolist()
    if whole:
        assert run(capsys, "report", "sweep-quick", "--store", str(there))[0] == 0
    second = tmp_path / "second.zip"
    assert run(capsys, "export", name, *at, "-o", str(second))[0] == 0
    assert second.read_bytes() == path.read_bytes()
    code, _, err = run(capsys, "export", name, *at, "-o", str(path))
    assert (code, err.count("\n")) == (2, 1)
    assert "is there already: give another name, or --overwrite" in err
    assert run(capsys, "export", name, *at, "-o", str(path), "--overwrite")[0] == 0


def test_a_zip_holds_no_file_that_was_exported(capsys: pytest.CaptureFixture, swept: Path, tmp_path: Path) -> None:
    shutil.copytree(swept, there := tmp_path / "there")
    one = next(iter(runs(there)))
    for to in ("csv", "hub", "zip"):
        assert run(capsys, "export", one.id, "--to", to, "--store", str(there))[0] == 0
    (one.folder / ".secret").write_text("mine")
    assert run(capsys, "export", one.id, "--to", "zip", "--store", str(there), "-o", str(tmp_path / "a.zip"))[0] == 0
    with (
        zipfile.ZipFile(tmp_path / "a.zip") as archive,
        zipfile.ZipFile(one.folder / f"{one.folder.name}.zip") as first,
    ):
        assert archive.namelist() == first.namelist()


def test_what_cannot_be_a_zip(capsys: pytest.CaptureFixture, swept: Path, tmp_path: Path) -> None:
    """A pack that is being written, that is damaged, or that leads out of its folder."""
    shutil.copytree(swept, there := tmp_path / "there")
    one, path = next(iter(runs(there))), tmp_path / "a.zip"
    words = ("export", one.id, "--to", "zip", "--store", str(there), "-o", str(path))
    with hold(one.folder):
        code, _, err = run(capsys, *words)
        assert (code, err.count("\n"), "is being written" in err) == (1, 1, True)
    (one.folder / "metrics" / "more").symlink_to(tmp_path)
    code, _, err = run(capsys, *words)
    assert (code, err.count("\n"), "is a link, not a file" in err) == (1, 1, True)
    (one.folder / "metrics" / "more").unlink()
    (odd := one.folder / "a\\..\\evil").write_text("a name that leads out on another machine")
    code, _, err = run(capsys, *words)
    assert (code, err.count("\n"), "is no name for a file on every machine" in err) == (1, 1, True)
    odd.unlink()
    segment = next((one.folder / "metrics").glob("*.parquet"))
    segment.write_bytes(segment.read_bytes()[:-9] + b"x" + segment.read_bytes()[-8:])
    code, _, err = run(capsys, *words)
    assert (code, err.count("\n"), f"{segment} is damaged" in err) == (1, 1, True)
    assert not path.exists()


def test_what_a_sweep_has_not(capsys: pytest.CaptureFixture, swept: Path) -> None:
    at = ("--store", str(swept))
    for to in ("transformer-lens", "transformer-bridge", "hub", "safetensors"):
        code, _, err = run(capsys, "export", "sweep-quick", "--to", to, *at)
        assert (code, err.count("\n"), "holds the weights of one run" in err) == (2, 1, True)
    code, _, err = run(capsys, "export", "sweep-quick", "--to", "csv", "--step", "0", *at)
    assert (code, "are for the weights of a run" in err) == (2, True)
    code, _, err = run(capsys, "export", "latest", "--to", "zip", "--license", "mit", *at)
    assert (code, "a zip holds all of a run" in err) == (2, True)
    code, _, err = run(capsys, "export", "latest", "--to", "csv", "--license", "mit", *at)
    assert (code, "is for the card of a hub folder" in err) == (2, True)

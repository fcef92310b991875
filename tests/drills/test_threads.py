"""Gone on with where torch has another number of threads, a run ends in the weights that it was begun for."""

import json
from pathlib import Path

import pytest
import torch

from grokscope.runs.run import load_pack
from grokscope.studies.experiment import train
from tests.conftest import tiny
from tests.drills.conftest import killed

# On two threads this one ends in other bits than on one.
FIELDS = {"p": 59, "d_model": 32, "d_mlp": 64, "n_heads": 2, "max_steps": 8}


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_threads_are_kept_and_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    torch.set_num_threads(1)
    config = tiny(**FIELDS)
    whole = train(config, store=tmp_path / "undisturbed", progress=False)
    killed(config, tmp_path / "killed", at=5, every=2)
    torch.set_num_threads(2)
    again = train(config, store=tmp_path / "killed", progress=False, resume=True)
    assert torch.get_num_threads() == 2, "what the caller had comes back"
    for name, tensor in whole.snapshot().params.items():
        assert torch.equal(again.snapshot().params[name], tensor), name
    assert again.rows().values.tolist() == whole.rows().values.tolist()
    assert "started with 1 threads and resumes with as many, not 2" in capsys.readouterr().err
    assert [event["threads"] for event in again.events if event["event"] == "resumed"] == [1]


def test_another_torch_is_said_and_recorded(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    from grokscope.runs.store.documents import read_document, write_document

    config = tiny(max_steps=8)
    folder = killed(config, tmp_path, at=5, every=2)
    about, _ = read_document(folder / "pack.json")
    about["versions"]["torch"] = "1.0"
    write_document(folder / "pack.json", about)
    again = train(config, store=tmp_path, progress=False, resume=True)
    assert f"begun with torch 1.0, now {torch.__version__.partition('+')[0]}" in capsys.readouterr().err
    (changed,) = [event["changed"] for event in again.events if event["event"] == "resumed"]
    assert changed["torch"][0] == "1.0"


def test_a_number_of_threads_that_is_none_is_no_harm(tmp_path: Path) -> None:
    from grokscope.runs.store.documents import write_document

    config = tiny(max_steps=8)
    folder = killed(config, tmp_path, at=5, every=2)
    about = json.loads((folder / "pack.json").read_text())
    write_document(folder / "pack.json", about | {"threads": "many"})
    assert train(config, store=tmp_path, progress=False, resume=True).steps == 8
    assert load_pack(folder)[0].about["threads"] == "many"

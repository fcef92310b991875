"""Stores that earlier versions wrote: they open, and are gone on with.

data/store-before-checksums holds a pack of two runs that is done, and one that was killed at step 22 and had saved
itself at 20; made by the code of commit 0a8ee52, on one thread. data/store-2026-11 has checksums: a study of two
packs, measured and read, with a name and a tag, and a run that was killed at step 37 and had saved itself at 30. From
here on a store that an old version wrote is kept for each change of what lies in one.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from grokscope.cli.base import main
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.runs.listing import summaries
from grokscope.runs.run import load_pack, runs
from grokscope.runs.store import jsonl
from grokscope.runs.store.checksum import checked
from grokscope.runs.store.query import query
from grokscope.studies.experiment import train
from grokscope.studies.judging import readings_of
from grokscope.studies.study import load_study

DATA = Path(__file__).parents[1] / "data" / "store-before-checksums"
DONE, BEGUN = "caffacbbf216", "9caa07afe1b9"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "old"))


def test_it_is_listed_asked_and_shown_and_nothing_is_written(old: Path, capsys: pytest.CaptureFixture) -> None:
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    listed = {one["run"]: one for one in summaries(old)}
    assert listed.keys() == {f"{DONE}-0", f"{DONE}-1", BEGUN}
    assert (listed[BEGUN]["state"], listed[BEGUN]["steps"]) == ("stopped", 22)
    assert listed == {run.id: run.summary() for run in runs(old)}
    status = json.loads((old / DONE / "status.json").read_text())
    for run, told in query(old, f"select run, train_loss from runs where pack = '{DONE}'")[1]:
        assert told == status["runs"][run]["train_loss"]
    counts = dict(query(old, "select pack, count(*) from metrics group by pack")[1])
    assert counts == {DONE: 2592, BEGUN: 798}
    for run in (BEGUN, f"{DONE}-1"):
        assert main(["show", run, "--store", str(old)]) == 0
    assert main(["doctor", "--json", "--store", str(old)]) == 0
    notes = json.loads(capsys.readouterr().out.splitlines()[-1])["notes"]
    assert all("no checksum in" in note for note in notes)
    assert {path: path.read_bytes() for path in old.rglob("*") if path.is_file()} == before


def test_it_is_gone_on_with_and_measured_and_has_checksums_from_then_on(old: Path) -> None:
    config = load_pack(old / BEGUN)[0].config
    before = load_pack(old / BEGUN)[0].series("train/loss")
    run = train(config, store=old, progress=False, resume=True)
    assert run.steps == 60
    assert [event["step"] for event in run.events if event["event"] == "resumed"] == [20]
    steps, values = run.series("train/loss")
    assert np.isin(before[0], steps).all()
    assert (values[: len(before[0])] == before[1])[before[0] <= 20].all(), "what it had, it has"
    fresh = train(config, store=old.parent / "fresh", progress=False)
    assert np.allclose(values, fresh.series("train/loss")[1], rtol=1e-3), "float32, on another machine"
    assert checked(run.folder / "checkpoints" / "step-00000060.safetensors")
    assert checked(run.folder / "checkpoints" / "step-00000000.safetensors") is None
    assert jsonl.read_lines(run.folder / "journal.jsonl").checked
    (one, other) = load_pack(old / DONE)
    measure_checkpoints(other, only=("weights.effective_rank",))
    rows = [run.rows("weights.effective_rank") for run in (one, other)]
    assert rows[0].steps.tolist() == rows[1].steps.tolist() != []


def test_what_is_changed_in_it_is_found_by_its_id_and_its_numbers(old: Path, capsys: pytest.CaptureFixture) -> None:
    status = json.loads((old / DONE / "status.json").read_text())
    status["runs"][f"{DONE}-0"]["generalized_at"] = 7
    (old / DONE / "status.json").write_text(json.dumps(status))
    assert query(old, "select count(*) from runs where generalized_at = 7")[1] == [(0,)]
    text = (old / BEGUN / "pack.json").read_text()
    assert '"weight_decay": 1.0' in text
    (old / BEGUN / "pack.json").write_text(text.replace('"weight_decay": 1.0', '"weight_decay": 9.0'))
    assert main(["doctor", "--json", "--store", str(old)]) == 1
    damages = json.loads(capsys.readouterr().out)["damages"]
    assert [Path(damage["file"]).name for damage in damages] == ["pack.json", "status.json"]
    assert "a config was changed" in damages[0]["what"]
    assert "generalized_at = 7" in damages[1]["what"]
    assert main(["doctor", "--repair", "--store", str(old)]) == 0
    assert {run.id for run in runs(old)} == {f"{DONE}-0", f"{DONE}-1"}


NOVEMBER = DATA.with_name("store-2026-11")
STUDIED, CONTROL, STOPPED = "c72a18e662a9", "716784b6ae8e", "2794dd4f7590"


@pytest.fixture
def november(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NOVEMBER, tmp_path / "november"))


def test_a_store_of_november_is_whole_and_nothing_is_written(november: Path, capsys: pytest.CaptureFixture) -> None:
    before = {path: path.read_bytes() for path in november.rglob("*") if path.is_file()}
    assert main(["doctor", "--json", "--store", str(november)]) == 0
    assert json.loads(capsys.readouterr().out)["damages"] == []
    assert {run.id for run in runs(november)} == {f"{STUDIED}-0", f"{STUDIED}-1", CONTROL, STOPPED}
    assert main(["show", "first", "--store", str(november)]) == 0
    counts = dict(query(november, "select pack, count(*) from metrics group by pack")[1])
    assert counts == {STUDIED: 2628, CONTROL: 1150, STOPPED: 1038}
    study = load_study(november, "small")
    assert study.measured() == {STUDIED, CONTROL}
    arms = study.runs()
    assert {name: [run.config.seed for run in arm] for name, arm in arms.items()} == {
        "base": [0, 1],
        "random_labels": [0],
    }
    (reading,) = [one for one in readings_of(arms).values() if one.run == f"{STUDIED}-1"]
    norm = arms["base"][1].series("weights.norm")[1][-1]
    assert reading.value == pytest.approx(norm, rel=1e-6)
    assert {path: path.read_bytes() for path in november.rglob("*") if path.is_file()} == before


def test_a_run_of_november_is_gone_on_with(november: Path) -> None:
    config = load_pack(november / STOPPED)[0].config
    run = train(config, store=november, progress=False, resume=True)
    assert (run.id, run.steps) == (STOPPED, 60)
    assert [event["step"] for event in run.events if event["event"] == "resumed"] == [30]
    fresh = train(config, store=november.parent / "fresh", progress=False)
    assert np.allclose(run.series("train/loss")[1], fresh.series("train/loss")[1], rtol=1e-3)

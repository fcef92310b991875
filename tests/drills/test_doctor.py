"""`grokscope doctor` on a store with many different damages: it names each, mends what can be mended, and all opens."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from grokscope.cli.base import main
from grokscope.runs.run import Run, load_pack, runs
from grokscope.runs.store import bundle, checkpoints, jsonl
from grokscope.runs.store.rows import read_rows
from grokscope.studies.experiment import train
from grokscope.studies.plan import plan
from tests.conftest import tiny
from tests.drills.conftest import Place, copy_of, killed
from tests.drills.test_truncated_journals import same


def flip(path: Path, place: int | None = None) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if place is None else place] ^= 4
    path.write_bytes(bytes(data))


def doctor(store: Path, *arguments: str) -> int:
    return main(["doctor", *arguments, "--json", "--store", str(store)])


def said(capsys: pytest.CaptureFixture) -> dict[str, Any]:
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def hurt(place: Place) -> dict[str, Path]:
    """Ten files, each damaged in another way, in seven packs and a study."""
    store = place.store

    def pack(seed: int) -> Path:
        return train(tiny(seed=seed, max_steps=30), store=store, progress=False).folder

    study = plan("study", {"a": [tiny(seed=2)]}, store).study
    study.save([])
    several, lost, eventless, gone, described = (pack(seed) for seed in range(20, 25))
    stopped = killed(tiny(seed=25, max_steps=30), store, at=22)
    files = {
        "a segment": place.done / "metrics" / "seg-000001.parquet",
        "a checkpoint": place.done / "checkpoints.safetensors",
        "a status": several / "status.json",
        "a segment that is gone": lost / "metrics",
        "events": eventless / "events.jsonl",
        "a description, one bit": described / "pack.json",
        "a description, rewritten": gone / "pack.json",
        "a journal": place.begun / "journal.jsonl",
        "a resume point": stopped / "resume.safetensors",
        "a plan": study.folder / "plan.json",
    }
    for name in ("a segment", "a checkpoint", "events", "a description, one bit", "a journal", "a resume point"):
        flip(files[name], bundle.parts(place.done)[26].start if name == "a checkpoint" else None)
    files["a status"].write_bytes(b"[" * 10_000)
    (lost / "metrics" / "seg-000001.parquet").unlink()
    text = files["a description, rewritten"].read_text()
    files["a description, rewritten"].write_text(text.replace('"weight_decay": 1.0', '"weight_decay": 0.25'))
    files["a plan"].write_text('{"arms": 3}')
    return files


def test_ten_damages_are_named_and_mended(
    place: Place, hurt: dict[str, Path], undisturbed: Run, capsys: pytest.CaptureFixture
) -> None:
    store = place.store
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert doctor(store) == 1
    found = said(capsys)
    assert sorted(damage["file"] for damage in found["damages"]) == sorted(map(str, hurt.values()))
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before, "it only looks"

    assert doctor(store, "--repair") == 0
    told = said(capsys)
    assert (told["repaired"], told["left"], len(told["damages"])) == (True, [], 10)
    assert doctor(store) == 0
    assert said(capsys)["damages"] == []
    # Nothing is thrown away, and only the one pack of which nobody knows the config is put aside as a whole.
    assert all(path.is_relative_to(store / ".quarantine") for path in map(Path, told["moved"]))
    aside = hurt["a description, rewritten"].parent
    assert not aside.exists()
    assert (store / ".quarantine" / aside.name / "checkpoints.safetensors").is_file()
    assert hurt["a description, one bit"].exists()
    # The rest opens, and numbers at checkpoints are there again.
    for command in (["list"], ["query", "select * from runs"], ["query", "select count(*) from metrics"]):
        assert main([*command, "--store", str(store)]) == 0
    assert "warning" not in capsys.readouterr().err
    for folder in (place.done, hurt["a segment that is gone"].parent):
        for run in load_pack(folder):
            steps, _ = run.series("test/loss")
            assert steps.tolist() == run.checkpoints
            assert "rows-lost" in [event["event"] for event in run.events]
    assert 26 not in checkpoints.steps(place.done)
    assert load_pack(hurt["events"].parent)[0].status["state"] == "done"
    for run in runs(store):
        run.summary()
        assert run.status["runs"]
    # What was begun ends as if nothing had happened.
    train(undisturbed.config, store=store, progress=False, resume=True)
    assert same(place.begun, undisturbed)
    train(tiny(seed=25, max_steps=30), store=store, progress=False, resume=True)


def test_a_whole_store_has_nothing_to_name(original: Place, capsys: pytest.CaptureFixture) -> None:
    assert doctor(original.store) == 0
    found = said(capsys)
    assert (found["damages"], found["notes"], found["packs"]) == ([], [], 3)


def test_what_a_killed_writer_leaves_is_no_damage(place: Place, capsys: pytest.CaptureFixture) -> None:
    with open(place.begun / "journal.jsonl", "ab") as file:
        file.write(b'{"run": "a')
    (place.begun / ".status.json.0123.tmp").write_bytes(b"")
    assert doctor(place.store) == 0
    notes = said(capsys)["notes"]
    assert ["torn" in notes[0], "temporary" in notes[1]] == [True, True]


def test_a_journal_keeps_the_rows_that_are_whole(place: Place) -> None:
    """A finished pack that is being measured: its rows are not sealed yet."""
    from grokscope.runs.store.segments import recover

    journal = recover(place.other)
    rows = [{"run": place.other.name, "step": step, "measure": "m", "view": "", "value": 1.0} for step in range(5)]
    journal.append(rows)  # pyright: ignore[reportArgumentType]
    path = place.other / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"value": 1.0', b'"value": 7.0')
    path.write_bytes(b"".join(lines))
    assert jsonl.broken(path.read_bytes()) == [4]
    assert doctor(place.store, "--repair") == 0
    assert read_rows(place.other, measure="m").steps.tolist() == [0, 1, 3, 4]


def test_curves_from_elsewhere_that_lost_numbers_are_put_aside(place: Place, tmp_path: Path) -> None:
    from grokscope.runs.curves.importing import import_curves

    table = tmp_path / "log.csv"
    table.write_text("step,train_accuracy\n" + "".join(f"{step},{min(1, step / 9)}\n" for step in range(30)))
    run = import_curves(table, {"step": "step", "train_accuracy": "train_accuracy"}, store=place.store)
    assert doctor(place.store) == 0
    flip(run.folder / "metrics" / "seg-000001.parquet")
    assert doctor(place.store, "--repair") == 0
    assert not run.folder.exists()
    assert import_curves(table, {"step": "step", "train_accuracy": "train_accuracy"}, store=place.store).id == run.id


def test_a_study_measures_again_what_was_lost(place: Place) -> None:
    study = plan("study", {"a": [tiny(seed=2)]}, place.store, measures={"a": ["weights.norm"]}).study
    study.save([])
    study.mark_measured(place.other.name)
    study.mark_measured("0123456789ab")
    flip(place.other / "metrics" / "seg-000001.parquet")
    assert doctor(place.store, "--repair") == 0
    assert study.measured() == {"0123456789ab"}


def test_a_pack_that_is_written_is_left_alone(place: Place, capsys: pytest.CaptureFixture) -> None:
    from grokscope.runs.store.lock import hold

    flip(place.done / "metrics" / "seg-000001.parquet")
    with hold(place.done):
        assert doctor(place.store, "--repair") == 0
    assert "is being written" in said(capsys)["notes"][0]


def test_quarantine_overwrites_nothing(original: Place, tmp_path: Path) -> None:
    place = copy_of(original, tmp_path / "store")
    path = place.done / "checkpoints.safetensors"
    data = path.read_bytes()
    for _ in range(2):
        path.write_bytes(data)
        flip(path, bundle.parts(place.done)[26].start)
        assert doctor(place.store, "--repair") == 0
    assert len(os.listdir(place.store / ".quarantine" / place.done.name)) == 2


def test_without_a_store_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert doctor(tmp_path / "missing") == 1
    assert "no store at" in capsys.readouterr().err

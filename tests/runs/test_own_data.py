"""Own data from files: the numbers are the run's identity, and the pack keeps them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import grokscope as gs
from grokscope.cli.base import main
from grokscope.errors import StoreError
from grokscope.recipes.base import recipe
from grokscope.report.run.page import write_report
from grokscope.runs.config import RunConfig, pack_id
from grokscope.runs.doctor import examine
from grokscope.runs.own_data import read
from grokscope.runs.repair import repair
from grokscope.runs.run import Run, load
from grokscope.runs.store import checkpoints
from grokscope.studies.experiment import train
from grokscope.tasks import table
from tests.conftest import TINY, tiny

P = 11
A, B = np.divmod(np.arange(P * P), P)
SUMS = (A + B) % P
SMALL = {name: value for name, value in TINY.items() if name != "p"} | {"max_steps": 5}


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process: data of earlier tests are not known."""
    monkeypatch.setattr(table, "_data", {})
    monkeypatch.setattr(table, "_places", {})
    monkeypatch.setattr(table, "_stores", {})
    RunConfig.build_task.__globals__["_task"].cache_clear()


def csv(path: Path, *columns: Any, head: str = "a,b,label", order: Any = slice(None)) -> Path:
    rows = list(zip(*columns, strict=True))
    rows = [rows[place] for place in order] if isinstance(order, np.ndarray) else rows
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def own(path: Path, **fields: Any) -> RunConfig:
    return recipe("quickstart", task="table", path=str(path), **(SMALL | fields))


def forgotten() -> None:
    table._data.clear()
    table._places.clear()
    table._stores.clear()
    RunConfig.build_task.__globals__["_task"].cache_clear()


def test_a_file_of_either_kind_or_arrays_are_one_run(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(P * P)
    configs = [
        own(csv(tmp_path / "pairs.csv", A, B, SUMS)),
        own(csv(tmp_path / "other.tsv", SUMS, A, B, head="Label,left,right", order=order)),
        recipe("quickstart", task=gs.task(np.stack([A, B], 1), SUMS), **SMALL),
    ]
    np.savez(tmp_path / "pairs.npz", inputs=np.stack([A, B], 1)[order], labels=SUMS[order])
    configs.append(own(tmp_path / "pairs.npz"))
    assert len({config.key for config in configs}) == 1
    assert len({pack_id([config]) for config in configs}) == 1
    assert own(csv(tmp_path / "third.csv", A, B, (A - B) % P)).key != configs[0].key
    assert Path(configs[0].path).is_absolute()


def test_its_run_is_bitwise_that_of_the_same_operation(tmp_path: Path, store: Path) -> None:
    theirs = train(tiny(max_steps=20), store=store, progress=False)
    ours = train(own(csv(tmp_path / "pairs.csv", A, B, SUMS), truth="C11", max_steps=20), store=store, progress=False)
    assert ours.id != theirs.id
    weights = theirs.snapshot().params
    assert all(torch.equal(tensor, weights[name]) for name, tensor in ours.snapshot().params.items())
    for measure in ("circuits.gini_embedding", "behaviour.fresh_accuracy"):
        assert np.array_equal(ours.series(measure)[1], theirs.series(measure)[1])


@pytest.fixture
def kept(tmp_path: Path, store: Path) -> Run:
    """A run whose file is gone, read by a process that has never seen the data."""
    path = csv(tmp_path / "pairs.csv", A, B, SUMS)
    run = train(own(path, truth="cyclic(11)"), store=store, progress=False)
    path.unlink()
    forgotten()
    return load(run.folder)


def test_a_run_keeps_its_data(kept: Run) -> None:
    files = checkpoints.data_files(kept.folder)
    assert [path.name for path in files] == [f"data-{kept.config.path_hash[:16]}.safetensors"]
    assert files[0].stat().st_size < 3 * P * P + 600
    assert kept.task.labels.tolist() == SUMS.tolist()
    assert kept.snapshot().task.truth.group == "cyclic(11)"


def test_a_file_that_has_changed_changes_no_run(kept: Run, tmp_path: Path) -> None:
    csv(tmp_path / "pairs.csv", A, B, (A * B) % P)
    assert kept.task.labels.tolist() == SUMS.tolist()
    assert own(tmp_path / "pairs.csv", truth="unknown").key != kept.config.key


def test_without_file_and_copy_the_reason_is_said(kept: Run, tmp_path: Path) -> None:
    checkpoints.data_files(kept.folder)[0].unlink()
    with pytest.raises(ValueError) as error:
        _ = kept.task
    assert "cannot be had" in str(error.value)
    assert "pairs.csv" in str(error.value)
    csv(tmp_path / "pairs.csv", A, B, (A * B) % P)
    with pytest.raises(ValueError, match=r"pairs\.csv holds other data now"):
        _ = kept.task
    csv(tmp_path / "pairs.csv", A, B, SUMS)
    assert kept.task.labels.tolist() == SUMS.tolist()


def test_a_damaged_copy_is_found_and_moved(kept: Run, store: Path) -> None:
    path = checkpoints.data_files(kept.folder)[0]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    damages = examine(store).damages
    assert [(damage.kind, damage.file) for damage in damages] == [("data", path)]
    with pytest.raises(ValueError, match="truncated or damaged"):
        _ = kept.task
    repair(store, damages)
    assert not examine(store).damages
    assert not path.exists()


def test_a_stopped_run_goes_on_without_its_file(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from grokscope.training import loop

    path = csv(tmp_path / "pairs.csv", A, B, SUMS)
    config = own(path, max_steps=30)
    whole = train(config, store=tmp_path / "whole", progress=False)
    monkeypatch.setattr(loop.Loop, "save_every", 10)

    def stop(self: Any) -> None:
        if self.pack.step == 15:
            raise KeyboardInterrupt
        advance(self)

    advance = loop.Loop._advance
    monkeypatch.setattr(loop.Loop, "_advance", stop)
    with pytest.raises(KeyboardInterrupt):
        train(config, store=store, progress=False)
    monkeypatch.setattr(loop.Loop, "_advance", advance)
    path.unlink()
    forgotten()
    again = train(RunConfig.model_validate_json(config.model_dump_json()), store=store, progress=False, resume=True)
    assert all(torch.equal(one, whole.snapshot().params[name]) for name, one in again.snapshot().params.items())


def test_another_path_forgets_what_followed_from_the_first(tmp_path: Path) -> None:
    first = own(csv(tmp_path / "one.csv", A, B, SUMS), truth="cyclic(11)")
    a, b = np.divmod(np.arange(49), 7)
    second = first.replace(path=str(csv(tmp_path / "two.csv", a, b, (a + b) % 7)))
    assert (second.n_symbols, second.n_classes, second.truth) == (7, 7, "unknown")
    assert second.path_hash != first.path_hash
    assert second.replace(seed=4).path_hash == second.path_hash


def test_columns_may_be_a_split_and_any_number_of_operands(tmp_path: Path) -> None:
    words = np.where(A < 5, "train", "test")
    data, told = read(csv(tmp_path / "split.csv", A, B, SUMS, words, head="a,b,label,split"))
    assert data.train is not None
    assert data.train.tolist() == (A < 5).tolist()
    assert told == {}
    data, _ = read(csv(tmp_path / "three.csv", A, B, A, SUMS, head="a,b,c,label"))
    assert data.inputs.shape == (P * P, 3)
    data, _ = read(csv(tmp_path / "numbers.csv", A / 7, SUMS, head="x,label"))
    assert data.inputs.dtype == torch.float32
    config = own(tmp_path / "split.csv")
    assert config.own_split is True
    assert own(tmp_path / "split.csv", own_split=False).own_split is False


def test_an_archive_tells_what_it_knows(tmp_path: Path) -> None:
    inputs, split = np.stack([A, B], 1), np.where(A < 5, "train", "test")
    np.savez(tmp_path / "d.npz", inputs=inputs, labels=SUMS, split=split, n_symbols=13, truth="cyclic(11)")
    config = own(tmp_path / "d.npz")
    assert (config.n_symbols, config.n_classes, config.truth, config.own_split) == (13, 11, "cyclic(11)", True)
    assert own(tmp_path / "d.npz", truth="circle", n_symbols=12).n_symbols == 12


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "a,b\n0,1\n", "its columns are a, b; expected one or more operands, and label"),
        ("a.csv", "label\n0\n1\n", "its columns are label; expected one or more operands, and label"),
        ("a.csv", "0,1,1\n1,1,0\n", "begins with numbers (0,1,1): expected a line of column names"),
        ("a.csv", "a,b,label\n0,e,1\n", "b in row 1 is 'e', expected a number: symbols are 0, 1, 2, ..."),
        ("a.csv", "a,b,label\n0,1,1\n0,,1\n", "b in row 2 is empty"),
        ("a.csv", "a,b,label\n0,-1,1\n0,1,0\n", "inputs are whole numbers from 0 on, got -1"),
        ("a.csv", "a,b,label\n0,1,0\n0,1,1\n", "the input (0, 1) stands there twice"),
        ("a.csv", "a,b,label,split\n0,1,0,train\n1,1,1,dev\n", "split in row 2 is 'dev', expected train or test"),
        ("a.csv", "a,b,label\n0,1,0\n1,1,1" + "0" * 30 + "\n", "label has a number of more than 18 digits"),
        ("a.csv", "a,b,label\n0,nan,0\n1,1,1\n", "inputs are finite numbers, got nan"),
        ("a.csv", "", "is empty"),
        ("a.csv", b"\xff\xfe\x00", "is no text in UTF-8"),
        ("a.npz", b"no archive", "cannot be read: it is no array of numpy"),
        ("a.npz", b"PK\x03\x04", "it is a damaged archive"),
        ("a.json", "{}", "is no table: expected .csv or .npz"),
    ],
    ids=range(15),
)
def test_another_file_is_one_line(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError) as error:
        own(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_are_not_there_or_not_arrays_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot read .*none\.csv: No such file"):
        own(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ValueError, match="is a folder, not a file"):
        own(tmp_path / "folder.csv")
    np.savez(tmp_path / "x.npz", x=A)
    with pytest.raises(ValueError, match=r"x\.npz: it holds x; expected inputs and labels"):
        own(tmp_path / "x.npz")
    np.savez(tmp_path / "o.npz", inputs=np.array([{}, {}]), labels=A[:2])
    with pytest.raises(ValueError, match="allow_pickle"):
        own(tmp_path / "o.npz")
    np.save(tmp_path / "one.npy", A)
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(ValueError, match="it holds one array, expected an archive"):
        own(tmp_path / "one.npz")


def test_the_command_takes_a_file(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv(tmp_path / "pairs.csv", A, B, SUMS)
    monkeypatch.chdir(tmp_path)
    small = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]
    line = [
        "run",
        "--task-file",
        "pairs.csv",
        *small,
        "--set",
        "truth=cyclic(11)",
        "--no-report",
        "--out",
        str(store),
        "--json",
    ]
    assert main(line) == 0
    run = json.loads(capsys.readouterr().out)["run"]
    assert run == pack_id([own(tmp_path / "pairs.csv", truth="cyclic(11)")], ends=False)
    assert (
        main(["run", "--set", "task=table", "--set", "path=pairs.csv", *small, "--out", str(store), "--no-report"]) == 0
    )
    assert main(["run", "--task-file", "nothing.csv"]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_workers_of_a_sweep_have_the_data(tmp_path: Path, store: Path, capsys: pytest.CaptureFixture) -> None:
    path = csv(tmp_path / "pairs.csv", A, B, SUMS)
    small = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]
    line = [
        "sweep",
        "quickstart",
        "--task-file",
        str(path),
        "--grid",
        "weight_decay=0.5,1",
        *small,
        "--store",
        str(store),
    ]
    assert main([*line, "--json"]) == 0
    (pack,) = json.loads(capsys.readouterr().out)["trained"]
    path.unlink()
    forgotten()
    assert load(store / f"{pack}-1").task.labels.tolist() == SUMS.tolist()


def test_imported_weights_and_snapshots_take_own_data(tmp_path: Path, store: Path) -> None:
    run = train(own(csv(tmp_path / "pairs.csv", A, B, SUMS), truth="cyclic(11)"), store=store, progress=False)
    snap = gs.snapshot(run.snapshot().params, task="table", path=str(tmp_path / "pairs.csv"), truth="cyclic(11)")
    assert torch.equal(snap.logits, run.snapshot().logits)


def test_a_hostile_hash_leads_to_no_file(kept: Run) -> None:
    about = json.loads((kept.folder / "pack.json").read_text())
    about["runs"][0]["config"]["path_hash"] = "../../../../etc/passwd"
    about.pop("checksum")
    (kept.folder / "pack.json").write_text(json.dumps(about))
    with pytest.raises(StoreError):
        load(kept.folder)


def test_a_page_says_that_the_truth_is_not_given(tmp_path: Path, store: Path) -> None:
    path = csv(tmp_path / "pairs.csv", A, B, SUMS, np.where(A < 5, "train", "test"), head="a,b,label,split")
    run = train(own(path), store=store, progress=False)
    assert run.config.remarks == [
        "the data say which inputs are trained on: train_fraction, n_train and split change nothing"
    ]
    assert "nobody has said which truth lies behind this task" in write_report(run).read_text(encoding="utf-8")
    told = train(own(path, truth="none"), store=store, progress=False)
    assert "nobody has said" not in write_report(told).read_text(encoding="utf-8")

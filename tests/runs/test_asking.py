"""A store from Python: its runs, frames, and SQL as `grokscope query` answers it."""

import json
import shutil
import sys
from pathlib import Path

import pytest

import grokscope as gs
from grokscope.benchmarks.store import build
from grokscope.cli.base import main
from grokscope.runs.run import Run


def test_python_and_the_command_give_the_same_rows(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    build(tmp_path, 3, 2)
    sql = "select run, max(value) as most from metrics group by run order by run"
    assert main(["query", sql, "--json", "--store", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    answer = gs.query(sql, store=tmp_path)
    assert answer.columns == told["columns"] == ["run", "most"]
    assert [list(row) for row in answer] == told["rows"]
    assert (len(answer), answer.damaged) == (6, [])


def test_it_says_what_is_left_out_and_what_is_wrong(tmp_path: Path) -> None:
    build(tmp_path, 2, 1)
    bad = next(tmp_path.glob("*/pack.json"))
    bad.write_text("{")
    answer = gs.query("select count(*) from runs", store=tmp_path)
    assert answer.rows == [(1,)]
    assert str(bad) in str(answer.damaged[0])
    with pytest.raises(ValueError, match="nosuch"):
        gs.query("select nosuch from runs", store=tmp_path)
    with pytest.raises(gs.GrokscopeError, match="--max-rows"):
        gs.query("select * from metrics", store=tmp_path, max_rows=1)


def test_the_runs_of_a_store_are_listed_and_damage_is_said(tiny_run: Run, store: Path) -> None:
    shutil.copytree(tiny_run.folder, store / tiny_run.id)
    assert [run.id for run in gs.runs(store)] == [tiny_run.id]
    (store / "abcdefabcdef").mkdir()
    (store / "abcdefabcdef" / "pack.json").write_text("{")
    with pytest.warns(UserWarning, match="left out: .*abcdefabcdef"):
        assert [run.id for run in gs.runs(store)] == [tiny_run.id]
    with pytest.raises(gs.StoreError, match="no store at"):
        gs.runs(store / "nowhere")


def test_a_run_is_a_frame_of_its_numbers(tiny_run: Run) -> None:
    frame = tiny_run.frame()
    steps, losses = tiny_run.series("train/loss")
    told = frame["behaviour.train_loss"].dropna()
    assert told.index.tolist() == steps.tolist()
    assert told.tolist() == losses.tolist()
    several = [name for name in frame.columns if name.startswith("attention.entropy[")]
    assert several == sorted(f"attention.entropy[{view}]" for view in set(tiny_run.rows("attention.entropy").views))
    assert frame.notna().to_numpy().sum() == len(tiny_run.rows())


def test_a_frame_needs_pandas_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, 1, 1)
    answer = gs.query("select run, step from metrics", store=tmp_path)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(gs.GrokscopeError, match="pip install pandas"):
        answer.df()
    monkeypatch.undo()
    frame = answer.df()
    assert [tuple(row) for row in frame.itertuples(index=False)] == answer.rows
    assert list(frame.columns) == ["run", "step"]

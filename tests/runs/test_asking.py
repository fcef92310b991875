"""`gs.query` answers as `grokscope query` does."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import grokscope as gs
from grokscope.benchmarks.store import build
from grokscope.cli.base import main


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


def test_a_frame_needs_pandas_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, 1, 1)
    answer = gs.query("select run, step from metrics", store=tmp_path)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(gs.GrokscopeError, match="pip install pandas"):
        answer.df()
    frames = SimpleNamespace(DataFrame=SimpleNamespace(from_records=lambda rows, columns: (rows, columns)))
    monkeypatch.setitem(sys.modules, "pandas", frames)
    assert answer.df() == (answer.rows, ["run", "step"])

"""A query ends: by its limits of time, memory and rows, and at once by Ctrl-C; rows go out as they are found."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grokscope.cli.base import main
from grokscope.errors import GrokscopeError
from grokscope.runs.store.limits import MAX_ROWS, MEMORY, TIMEOUT
from grokscope.runs.store.query import asked, query
from tests.drills._children import drilled

Said = pytest.CaptureFixture[str]
ENDLESS = {
    "recursive": "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t",
    "sum": "select sum(range) from range(1000000000000)",
    "cross": "select count(*) from range(1000000) a, range(1000000) b where a.range * b.range = 7",
    "sort": "select * from range(1000000000000) order by random()",
}
LARGE = {
    "one list": "select len(list(range)) from range(100000000000)",
    "one text": "select string_agg(range, ',') from range(10000000000)",
    "sort": "select * from range(1000000000000) order by random()",
}
# Within one expression DuckDB looks at nothing.
STUCK = {
    "one string": "select length(repeat('x', 4000000000))",
    "wide rows": "select repeat('x', 10000000) from range(1000)",
    "one distance": "select levenshtein(repeat('a', 100000), repeat('b', 100000))",
}


@pytest.mark.parametrize("name", ["recursive", "cross"])
def test_time_ends_a_query(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        GrokscopeError, match=r"^the query takes longer than 0.3 s; .*--timeout \(in Python timeout=\)$"
    ):
        query(tmp_path, ENDLESS[name], timeout=0.3, memory="10GB")


@pytest.mark.parametrize("name", LARGE)
def test_memory_ends_a_query(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        GrokscopeError, match=r"^the query needs more than 100MB of memory; .*--memory \(in Python memory=\)$"
    ):
        query(tmp_path, LARGE[name], memory="100MB")


def test_rows_end_a_query_and_those_before_are_given(tmp_path: Path) -> None:
    endless, found = "select * from range(1000000000000)", []
    with asked(tmp_path, endless, max_rows=5000) as (columns, rows):
        with pytest.raises(
            GrokscopeError, match=r"^the query has more than 5,000 rows; .*--max-rows \(in Python max_rows="
        ):
            found.extend(row for row in rows)
        assert columns == ["range"]
    assert found == [(number,) for number in range(5000)]
    assert len(query(tmp_path, "select * from range(5000)", max_rows=5000)[1]) == 5000


def test_a_reader_that_stops_ends_the_query(tmp_path: Path) -> None:
    with asked(tmp_path, "select * from range(1000000000000)") as (_, rows):
        assert next(rows) == (0,)
    began = time.process_time()
    time.sleep(0.2)
    assert time.process_time() - began < 0.1, "the query goes on"


def test_the_command_has_the_limits_and_says_their_defaults(tmp_path: Path, capsys: Said) -> None:
    with pytest.raises(SystemExit):
        main(["query", "--help"])
    text = capsys.readouterr().out
    assert f"(default: {TIMEOUT})" in text
    assert f"(default: {MAX_ROWS})" in text
    assert f"(default: {MEMORY})" in text
    store = ["--store", str(tmp_path)]
    assert main(["query", "select * from range(9)", "--max-rows", "2", *store]) == 1
    said = capsys.readouterr()
    assert said.out == "range\n0\n1\n"
    assert said.err.startswith("error: the query has more than 2 rows; ")
    assert main(["query", "select * from range(9)", "--max-rows", "2", "--json", *store]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found.pop("error").startswith("the query has more than 2 rows; ")
    assert found == {"columns": ["range"], "rows": [[0], [1]], "damaged": []}
    assert main(["query", "select 1 / 0.0::double as inf, null as n", "--json", *store]) == 0
    assert json.loads(capsys.readouterr().out) == {"columns": ["inf", "n"], "rows": [[None, None]], "damaged": []}
    assert main(["query", "select 1 where false", "--json", *store]) == 0
    assert json.loads(capsys.readouterr().out) == {"columns": ["1"], "rows": [], "damaged": []}
    assert main(["query", "select * from range(3) limit error('no')", "--json", *store]) == 2
    assert capsys.readouterr().out == ""
    for wrong in (
        ["--timeout", "0"],
        ["--timeout", "inf"],
        ["--max-rows", "0"],
        ["--memory", "5"],
        ["--memory", "1MB"],
    ):
        assert main(["query", "select 1", *wrong, *store]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def _interrupted(sql: str, folder: Path) -> tuple[int, str, float]:
    """Exit code, stderr and the seconds until Ctrl-C has ended it."""
    # A shell that starts the suite in the background has it ignore Ctrl-C; the command must not inherit that.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import sys, duckdb, numpy; "
        "from grokscope.cli.base import main; print('ready', flush=True); sys.exit(main())"
    )
    words = ["query", sql, "--store", str(folder), "--memory", "20GB"]
    environment = os.environ | {"PYTHONPATH": os.environ.get("GROKSCOPE_UNDER_TEST", os.getcwd())}
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as command:
        assert command.stdout is not None
        command.stdout.readline()
        time.sleep(1.5)
        command.send_signal(signal.SIGINT)
        began = time.monotonic()
        try:
            _, err = command.communicate(timeout=25)
        except subprocess.TimeoutExpired:
            command.kill()
            return -9, "killed", 25.0
        return command.returncode, err, time.monotonic() - began


@pytest.mark.parametrize("name", ["recursive", "one distance"])
def test_ctrl_c_ends_a_query(name: str, tmp_path: Path) -> None:
    code, err, seconds = _interrupted((ENDLESS | STUCK)[name], tmp_path)
    assert (code, err) == (1, "error: interrupted\n")
    assert seconds < 5  # 0.3 on a machine with nothing else to do


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ENDLESS, *STUCK])
def test_ctrl_c_ends_every_query(name: str, tmp_path: Path) -> None:
    test_ctrl_c_ends_a_query(name, tmp_path)


@pytest.mark.slow
def test_what_is_within_one_expression_ends_with_the_command(tmp_path: Path) -> None:
    cases: dict[str, list[str | bytes] | str] = {
        name: ["query", sql, "--store", ".", "--timeout", "2", "--memory", "300MB"] for name, sql in STUCK.items()
    }
    for name, outcome in drilled(cases, tmp_path, seconds=6, mebibytes=1500).items():
        assert (outcome.killed, outcome.code) == ("", 1), name
        assert outcome.err.startswith("error: the query "), name
        assert outcome.err.count("\n") == 1, name

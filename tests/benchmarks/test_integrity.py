"""The benchmark of checksums: what it counts is what they take, and a query without them checks nothing."""

from pathlib import Path
from typing import Any

import pytest

from grokscope.benchmarks import integrity as of_checksums
from grokscope.runs.store import checksum
from tests.conftest import tiny


def test_checksums_are_a_part_of_the_run_and_of_every_other_query(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_checksums, "RUNS", 40)
    monkeypatch.setattr(of_checksums, "recipe", lambda *_, **__: tiny(max_steps=20))
    answer = of_checksums.integrity(rounds=2)
    assert [row["bar"] for row in answer["rows"]] == [0.1, 0.1, 0.01]
    for row in answer["rows"][:2]:
        assert row["seconds"] > 0
        assert row["seconds_without"] > 0
    assert 0 < answer["rows"][2]["share"] < 1


def test_a_query_without_checking_reads_no_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_checksums.build(tmp_path, 3, 1)
    checked: list[Any] = []
    whole = checksum.checked
    monkeypatch.setattr(checksum, "checked", lambda *given: checked.append(given) or whole(*given))
    ask = of_checksums.readings(tmp_path)["query"]
    counts: list[int] = []
    monkeypatch.setattr(
        of_checksums, "timed", lambda act: (checked.clear(), act(), counts.append(len(checked)))[2] or 1
    )
    of_checksums._query("query", ask, rounds=1)
    assert counts[0::2] == [counts[0]] * 2
    assert counts[0] > 0
    assert counts[1::2] == [0, 0]

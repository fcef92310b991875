"""The benchmark of measures has a row for each that answers; no test depends on speed."""

import pytest

from grokscope.benchmarks import measures as of_measures
from grokscope.measures.base import measures
from tests.conftest import tiny


def test_every_measure_that_answers_has_its_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_measures, "recipe", lambda _, **fields: tiny(**fields))
    rows = {row["name"]: row for row in of_measures.measures(rounds=2, prefix="stability", steps=3)["rows"]}
    assert rows["stability.collapse_rate"]["kind"] == measures()["stability.collapse_rate"].cost
    assert "stability.last_step" not in rows  # not known from a checkpoint
    for row in rows.values():
        least, largest = row["spread"]["milliseconds"]
        assert 0 <= least <= row["milliseconds"] <= largest


def test_a_slow_measure_has_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_measures, "recipe", lambda _, **fields: tiny(**fields))
    (row,) = of_measures.measures(rounds=3, seconds=0.0, prefix="behaviour.margin", steps=3)["rows"]
    assert row["spread"]["milliseconds"] == [row["milliseconds"]] * 2

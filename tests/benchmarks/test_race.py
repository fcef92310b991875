"""The benchmark of a race's steps counts right; no test depends on speed."""

import pytest

from grokscope.benchmarks import race as of_race
from grokscope.studies.race.base import methods


def test_every_method_has_its_step_and_adamw_is_once_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_race, "PACK", 2)
    rows = {row["name"]: row for row in of_race.race(rounds=1, seconds=0.0)["rows"]}
    assert list(rows) == list(methods())
    assert rows["adamw_tuned"]["times_adamw"] == 1.0
    assert rows["adamw_tuned"]["kept_per_weight"] == pytest.approx(2, rel=0.02)
    assert all(row["milliseconds"] > 0 for row in rows.values())
    assert rows["muon"]["operations"] > rows["adamw_tuned"]["operations"]

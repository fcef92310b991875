"""What the page of a race says of results whose answer is known."""

from pathlib import Path
from typing import Any

import pytest

from grokscope.report.study.race import leading, write_race
from grokscope.studies.race.base import methods
from grokscope.studies.race.standing import Race, races
from tests.studies.race.made import arm, example


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "of 3 arms 1 arrive sooner than adamw_tuned and 2 later"),
        ("zh", "3 个组中，1 个比 adamw_tuned 更早到达，2 个更晚"),
    ],
)
def test_the_page_says_who_is_sooner(lang: Any, said: str, tmp_path: Path) -> None:
    race = races(example())["common"]
    assert isinstance(race, Race)
    assert said in leading(race, lang)
    page = write_race(example(), methods(), tmp_path / "race.html", command="grokscope race race.csv", lang=lang)
    text = page.read_text(encoding="utf-8")
    for part in (said, "grokscope race race.csv", "×1.49", "learning_rate 0.1", {"en": "mod 97", "zh": "模 97"}[lang]):
        assert part in text
    for id_ in ("survival-common", "ratios-common", "times-common", "against-common", "after-common", "papers"):
        assert f'id="{id_}"' in text


def test_doubts_and_what_is_not_run_are_said(tmp_path: Path) -> None:
    rows = arm("adamw_tuned", [None] * 6) + arm("muon", [100.0] * 6)
    text = write_race(rows, methods(), tmp_path / "race.html", command="").read_text(encoding="utf-8")
    assert "arrives in less than half of its runs" in text
    assert "not run" in text


def test_without_results_the_page_says_so(tmp_path: Path) -> None:
    text = write_race([], methods(), tmp_path / "race.html", command="").read_text(encoding="utf-8")
    assert "no two arms of a race have run yet" in text


def test_an_arm_whose_interval_holds_one_is_neither_sooner_nor_later() -> None:
    """A median of 1.3 over ratios from .5 to 2.5: the median alone would count it."""
    reference = [500.0 + 10 * place for place in range(20)]
    mixed = [time / ratio for time, ratio in zip(reference, [0.5] * 6 + [1.3] * 8 + [2.5] * 6, strict=True)]
    inverse = [time * time / other for time, other in zip(reference, mixed, strict=True)]
    race = races(arm("adamw_tuned", reference) + arm("muon", mixed) + arm("orthogonal", inverse))["common"]
    assert isinstance(race, Race)
    medians = [one.against.ratio.bounds for one in race.standings if one.against]
    assert any(low > 1.2 for low, _ in medians)
    assert any(high < 0.8 for _, high in medians)
    assert "of 2 arms 0 arrive sooner than adamw_tuned and 0 later" in leading(race, "en")

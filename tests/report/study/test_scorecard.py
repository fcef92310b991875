"""The page of a scorecard says what the rows hold, in both languages."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from markupsafe import Markup

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Means, Prediction, Theory
from grokscope.predictions.cards import Row, Scorecard
from grokscope.predictions.verdict import judged
from grokscope.report.figures.sureness import sureness
from grokscope.report.study import text as scorecard_text
from grokscope.report.study.scorecard import cells, effect, glance, lead, regions, sections, why, write
from grokscope.statistics.regions import NOWHERE, Region, above, below, outside, within


def row(values: Any, number: int, **fields: Any) -> Prediction:
    text: Any = {"en": "the claim <b>", "zh": "这条主张"}
    measured: Any = {"en": "what was measured", "zh": "测量的量"}
    sample = values if isinstance(values, Missing) else Means(tuple(map(float, values)))
    about = {"supports": above(0.5), "refutes": below(0), "arms": ("base",), "readings": (), "id": f"row.{number}"}
    return Prediction(claim=text, measured=measured, statistic=lambda _: sample, **(about | fields))  # pyright: ignore


@pytest.fixture(scope="module")
def card() -> Scorecard:
    strong = [1.0, 1.1, 0.9, 1.05, 0.95, 1.0]
    text: Any = {"en": "changed because", "zh": "改动的原因"}
    control: Any = {"random_labels": lambda _: Means((0.1, 0.2, 0.1, 0.0, 0.1))}
    predictions = (
        row(strong, 0, controls=control, counts=lambda _: {"before": 1, "in": 4, "after": 1}),
        row([-1.0, -1.1, -0.9, -1.2, -1.0], 1),
        row([0.2, 0.9, 0.4, 0.7, 0.8], 2),
        row(Missing("no run of it"), 3),
        row(strong[:3], 4),
        row(strong, 5, controls={"never": control["random_labels"]}, version=2, changed=text),
    )
    title: Any = {"en": "Made up", "zh": "虚构"}
    run: Any = SimpleNamespace(config=None)
    arms: Any = Arms([Arm(family=name, name=name, runs=(run,)) for name in ("base", "random_labels")])
    rows = judged(Theory(id="manifold", title=title, source="here", predictions=predictions), arms)
    return Scorecard(rows=tuple(rows), runs={"base": 6})


def of(card: Scorecard, number: int) -> Row:
    return card.rows[number]


def test_the_lead_counts_the_verdicts(card: Scorecard) -> None:
    assert lead(card)[0] == "Of 6 predictions 1 are supported by these runs, 1 refuted, 4 undecided."
    assert lead(card)[1] == (
        "Undecided are: 1 whose interval lies in neither region; 1 without an answer in these runs; "
        "1 with fewer than five seeds; 1 without their control."
    )


def test_claims_at_a_glance_join_their_parts(card: Scorecard) -> None:
    lines = glance(card)
    assert lines[0][0] == "the claim <b> (row.0)"
    assert lines[0][1].startswith("supported: 1 [0.")
    assert lines[3][1:] == ("undecided: no answer", "")
    assert lines[5][1] == ""
    assert lines[5][2].startswith("undecided: 1 [")
    one = card.model_copy(update={"rows": tuple(row.model_copy(update={"id": "row"}) for row in card.rows)})
    assert glance(one)[0][1] == "refuted: 1 of 5 parts supported, 1 refuted"
    assert glance(one, "zh")[0][1] == "判为否定：5 个部分中 1 个支持、1 个否定"


def test_a_row_shows_effect_interval_number_and_sides(card: Scorecard) -> None:
    assert re.fullmatch(r"1 \[0\.\d+, 1\.\d+\]; n = 6; before the window 1, within 4, after 1", effect(of(card, 0)))
    assert effect(of(card, 3)) == ""


def test_a_row_says_why(card: Scorecard) -> None:
    assert why(of(card, 0)).startswith("p = ")
    assert "seeds would decide" in why(of(card, 2))
    assert why(of(card, 3)) == "no answer: no run of it"
    assert why(of(card, 4)) == "n = 3, needs 5 seeds"
    assert why(of(card, 5)) == "a control was not run: never"
    assert "对照没有运行" in why(of(card, 5), "zh")


def test_text_of_a_row_is_escaped_and_stands_with_its_controls(card: Scorecard) -> None:
    text = " ".join(cells(of(card, 0)))
    assert "the claim &lt;b&gt;" in text
    assert "random_labels: 0.1" in text
    changed = cells(of(card, 5), "zh")[1]
    assert isinstance(changed, Markup)
    assert "第 2 版：改动的原因" in changed


def test_bars_point_to_the_region_that_the_effect_lies_in(card: Scorecard) -> None:
    figure: Any = sureness(card.rows)
    bars = {name: x for trace in figure.data for name, x in zip(trace.y, trace.x, strict=True)}
    assert set(bars) == {"row.0", "row.1", "row.2", "row.5 v2"}
    assert bars["row.0"] > 1.3
    assert bars["row.1"] < -1.3
    assert 0 < bars["row.2"] < 1.3
    assert isinstance(sureness([of(card, 3)]), Missing)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_every_row(card: Scorecard, tmp_path: Path, lang: Any) -> None:
    text = write(card, tmp_path / "card.html", lang).read_text(encoding="utf-8")
    assert all(f"<small>row.{number}" in text for number in range(6))
    assert [section.id for section in sections(card, lang)] == ["claims", "theory-manifold"]
    with pytest.raises(ValueError, match="lang must be one of"):
        write(card, tmp_path / "card.html", "de")  # pyright: ignore[reportArgumentType]


def test_the_tables_hold_what_the_page_holds(card: Scorecard, tmp_path: Path) -> None:
    text = scorecard_text.write(card, tmp_path / "new" / "card.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(glance(card)) + len(card.rows)  # and two heads
    assert {line.count(" | ") for line in rows} == {2, 5}
    assert "**supported**" in text
    assert effect(of(card, 0)) in text
    assert lead(card)[0] in text
    assert "判定表" in scorecard_text.write(card, tmp_path / "card.md", "zh").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("region", "text"),
    [
        (above(0.5), "> 0.5"),
        (below(-1), "< -1"),
        (within(0.8, 1.2), "0.8 to 1.2"),
        (outside(-1, 1), "< -1 or > 1"),
        (NOWHERE, "none"),
    ],
)
def test_a_region_is_words_and_in_chinese_without_english(card: Scorecard, region: Region, text: str) -> None:
    row = of(card, 0).model_copy(update={"supports": region.parts, "refutes": region.parts})
    assert regions(row, "en") == f"{text}; {text}"
    assert not re.search("[a-z]", regions(row, "zh"))


def test_a_chinese_page_marks_the_english_that_is_left(card: Scorecard, tmp_path: Path) -> None:
    missing = of(card, 3).model_copy(update={"missing": "the moon <b> is full"})
    known = of(card, 2).model_copy(update={"needed": "more than 10,000 seeds"})
    some = Scorecard(rows=(missing, known), runs={})
    chinese = _main(write(some, tmp_path / "zh.html", "zh"))
    assert '<span lang="en">the moon &lt;b&gt; is full</span>' in chinese
    assert "超过 10,000 个种子" in chinese
    assert "more than" not in chinese
    english = _main(write(some, tmp_path / "en.html"))
    assert "no answer: the moon &lt;b&gt; is full" in english
    assert '<span lang="en">' not in english


def _main(path: Path) -> str:
    """The part of a page below its head, without its last script."""
    text = path.read_text(encoding="utf-8")
    return text[text.index("<main>") : text.index("</main>")]

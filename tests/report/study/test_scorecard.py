"""The page of a scorecard says what the rows hold, in both languages."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markupsafe import Markup

from grokscope.errors import Missing
from grokscope.predictions.cards import Row, Scorecard
from grokscope.report.study import text as scorecard_text
from grokscope.report.study.scorecard import cells, glance, lead, sections, write
from grokscope.report.study.wording import effect, regions, together, why
from grokscope.statistics.regions import NOWHERE, Region, above, below, outside, within
from tests.report.study.cards import means, row, scored


@pytest.fixture(scope="module")
def card() -> Scorecard:
    noise = np.random.default_rng(0).normal(0, 0.05, 12)
    text: Any = {"en": "changed because", "zh": "改动的原因"}
    never: Any = {"en": "it takes a night", "zh": "需要一夜"}
    control: Any = {"random_labels": lambda _: means(0.1 + noise[::-1])}
    predictions = (
        row(1 + noise, 0, controls=control, counts=lambda _: {"before": 1, "in": 10, "after": 1}, ideal=1.0),
        row(-1 + noise, 1),
        row(0.54 + 2 * (noise - noise.mean()), 2),
        row(Missing("no run of it"), 3),
        row((1 + noise)[:3], 4),
        row(1 + noise, 5, controls={"random_labels": lambda _: Missing("it has no window")}, version=2, changed=text),
        row(1 + noise, 6, untested=never),
        row(0.2 + noise, 7, part="a"),
        row(1 + noise, 7, part="b"),
        row(-1 + noise, 5),
    )
    return scored(predictions, 12)


def of(card: Scorecard, number: int) -> Row:
    return card.rows[number]


def test_the_lead_counts_the_verdicts(card: Scorecard) -> None:
    assert lead(card)[0] == (
        "Claims: 8. Supported by these runs: 1; falling short: 1; refuted: 1; undecided: 4; not tested: 1."
    )
    assert "共 8 条主张：1 条得到支持" in lead(card, "zh")[0]


def test_claims_at_a_glance_say_verdict_and_evidence(card: Scorecard) -> None:
    lines = {line[0]: line[1:] for line in glance(card)}
    assert lines["the claim <b> (row.0)"][0] == "supported (12 seeds)"
    assert lines["the claim <b> (row.0)"][1].endswith("the interval lies in its region")
    assert lines["the claim <b> (row.3)"] == ("undecided (12 seeds)", "no answer: no run of it")
    assert lines["the claim <b> (row.6)"][0].startswith("not tested")
    assert lines["the claim <b> (row.7)"][1] == "2 parts: 1 in their regions, 1 outside"
    chinese = {line[0]: line[1:] for line in glance(card, "zh")}
    assert chinese["这条主张 (row.1)"][0] == "否定（12 个种子）"


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        ((22, 40), "40 seeds would decide"),
        ((22, "more than 10,000 seeds"), "at least 22 seeds would decide"),
        (("more than 10,000 seeds",) * 2, ""),
    ],
)
def test_parts_are_counted_by_what_keeps_them_open(card: Scorecard, needed: tuple[Any, Any], said: str) -> None:
    open_, inside, kept = of(card, 2), of(card, 0), of(card, 5)
    rows = [open_.model_copy(update={"needed": n}) for n in needed]
    rows += [inside, kept.model_copy(update={"reason": "control"}), of(card, 3)]
    claim = card.claims[0].model_copy(update={"parts": tuple(row.name for row in rows)})
    shown = together(card.model_copy(update={"rows": tuple(rows)}), claim)
    counted = "5 parts: 1 in their regions, 1 no further than a control, 2 across an edge, 1 without an answer"
    assert shown == "; ".join(filter(None, (counted, said)))


def test_a_row_shows_effect_interval_number_ideal_and_sides(card: Scorecard) -> None:
    pattern = r"1\.?\d* \[0\.\d+, 1\.\d+\]; n = 12; an ideal network has 1; before the window 1, within 10, after 1"
    assert re.fullmatch(pattern, effect(of(card, 0)))
    assert effect(of(card, 3)) == ""


def test_a_row_says_why(card: Scorecard) -> None:
    assert why(of(card, 0)) == "the interval lies in its region"
    assert re.fullmatch(r"the interval crosses an edge of its region; \d+ seeds would decide", why(of(card, 2)))
    assert why(of(card, 3)) == "no answer: no run of it"
    assert why(of(card, 4)) == "n = 3, an interval needs 5 seeds"
    assert why(of(card, 5)) == "a control has no answer: random_labels"
    assert "对照没有答案" in why(of(card, 5), "zh")
    assert (why(of(card, 6)), why(of(card, 6), "zh")) == ("it takes a night", "未检验：需要一夜")


def test_text_of_a_row_is_escaped_and_stands_with_its_controls(card: Scorecard) -> None:
    text = " ".join(cells(of(card, 0)))
    assert "the claim &lt;b&gt;" in text
    assert re.search(r"random_labels: 0\.\d+ \[.*\]; ahead of it by 0\.9", text)
    changed = cells(of(card, 5), "zh")[1]
    assert isinstance(changed, Markup)
    assert "第 2 版：改动的原因" in changed


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_a_section_a_claim_and_earlier_wordings_last(card: Scorecard, tmp_path: Path, lang: Any) -> None:
    text = write(card, tmp_path / "card.html", lang).read_text(encoding="utf-8")
    assert all(f"<small>row.{number}" in text for number in range(8))
    found = sections(card, lang)
    assert [section.id for section in found] == ["claims", "theory-manifold"]
    parts = found[1].parts
    assert [part.id for part in parts] == [f"claim-manifold-row.{number}" for number in range(8)]
    earlier = [inner.id for part in parts for inner in part.parts if inner.folded]
    assert earlier == ["earlier-manifold-row.5"]
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
    some = card.model_copy(update={"rows": (missing, known)})
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

"""Pages of verdicts: what each claim shows; and the committed pages are those of the ledger, byte for byte."""

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grokscope.errors import GrokscopeError, Missing, StoreError
from grokscope.predictions.base import Means
from grokscope.predictions.cards import Control, Scorecard
from grokscope.report.page.frame import Section, Table
from grokscope.report.page.markdown import document
from grokscope.report.study import claims, exploratory, pages, wording
from grokscope.report.words import LANGUAGES, Lang, say
from grokscope.statistics.looks import Looks
from grokscope.statistics.regions import within
from grokscope.studies.judging import judge
from tests.report.study.cards import means, row, scored

EVIDENCE = Path(__file__).parents[3] / "docs" / "evidence"
VERDICTS = EVIDENCE.parent / "verdicts"
LOOKS = Looks(sizes=(10, 20))
NOISE = np.random.default_rng(0).normal(0, 0.05, 20)
CHANGED: Any = {"en": "the old one was wrong", "zh": "旧的有错"}
CONTROL: Any = {"random_labels": lambda _: means(0.1 + NOISE[::-1])}


def of(seeds: int, *, beside: int | None = None, values: Any = None, **fields: Any) -> Scorecard:
    """A claim in its second wording, and the first one."""
    values = 1 + NOISE[:seeds] if values is None else values
    now = row(values, 0, part="a", version=2, changed=CHANGED, controls=CONTROL, ideal=0.7, **fields)
    clock: Any = lambda _: means(0.25 + NOISE[:seeds])  # noqa: E731
    return scored((now, row(values, 0, part="a", clock=clock)), seeds, LOOKS, beside=beside)


def shown(card: Scorecard, lang: Lang = "en", **explored: Any) -> str:
    """The theory's page."""
    table = {("manifold", "row.0", "a", version): of_row for version, of_row in explored.get("rows", {}).items()}
    return document("page", [], claims.sections(card, "manifold", lang, table), {})


def test_a_claim_below_the_first_look_waits_and_is_no_failure() -> None:
    card = of(7, beside=3)
    (claim,) = wording.present(card)
    assert claim.verdict == "not_tested"
    assert wording.state(card, claim) == "open"
    text = shown(card)
    assert "**not yet looked at**: the first look is at 10 seeds of each of its arms; 3 to 7 stand there" in text
    assert "fewest in random_labels" in text
    assert "not tested" not in text
    assert "1.0" not in text  # no effect is shown before the look
    assert "尚未检视" in shown(card, "zh")


def test_what_nothing_can_test_is_not_tested_and_says_its_cost() -> None:
    cost: Any = {"en": "it takes a night", "zh": "需要一夜"}
    text = shown(scored((row(1 + NOISE, 0, untested=cost),), 7, LOOKS))
    assert "**not tested**: it takes a night" in text
    assert "not yet looked at" not in text


def test_a_decided_claim_has_its_verdict_first_then_the_terms_the_numbers_and_the_looks() -> None:
    text = shown(of(10))
    order = [
        "**supported (10 seeds)**: the interval of every part lies in its region, and every control stays behind",
        "what was measured", "> 0.5", "< 0", "0.7", "Why version 2: the old one was wrong", "control random\\_labels",
        "the claim's arm is ahead by", "The looks", "<details",
    ]  # fmt: skip
    places = [text.index(part.replace("\\", "")) for part in order]
    assert places == sorted(places)


def test_each_look_is_a_line_with_its_level_and_both_p_values() -> None:
    card = of(20, values=0.5 + 10 * NOISE)
    (claim,) = wording.present(card)
    assert [look.n for look in claim.looks] == [10, 20]
    text = shown(card)
    table = text[text.index("The looks") : text.index("<details")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if re.match(r"\| \d", line)]
    assert [line[:2] for line in rows] == [["10", "0.0125"], ["20", "0.0375"]]
    assert [float(line[2]) for line in rows] == pytest.approx([look.supports for look in claim.looks], rel=0.01)
    assert "“a” still open after the last look: on the bound" in text


def test_an_open_claim_says_when_it_is_looked_at_next_and_how_many_seeds_would_decide() -> None:
    text = shown(of(10, values=0.56 + 2 * (NOISE[:10] - NOISE[:10].mean())))
    assert "**undecided (10 seeds)**: “a” still open; the next look is at 20 seeds of each arm" in text
    assert re.search(r"crosses an edge of its region; \d+ seeds would decide", text)


def test_earlier_wordings_stand_folded_with_both_verdicts_and_the_ideal_clock() -> None:
    before = exploratory.Explored(effect=0.3, low=0.2, high=0.4, n=10, verdict="refuted")
    text = shown(of(10), rows={1: before, 3: before})
    folded = text[text.index("<details") :]
    assert "Earlier wordings" in folded
    first = next(line for line in folded.splitlines() if "row.0/a</small>" in line)
    assert "**supported**" in first
    assert "**refuted**<br>0.3 [0.2, 0.4]; n = 10" in first
    assert re.search(r"an ideal clock in its place has 0\.2\d+ \[0\.\d+, 0\.\d+\]", first)
    lost = next(line for line in folded.splitlines() if "row.0/a v3" in line)
    assert "not judged any more" in lost


def test_seeds_without_an_answer_are_counted_with_the_reason() -> None:
    some = Means({(seed,): Missing("the run does not grok") if seed == 3 else 1 + NOISE[seed] for seed in range(10)})
    text = shown(scored((row(some, 0),), 10, LOOKS))
    assert "9<br>1 without an answer: the run does not grok" in text
    assert "该训练没有出现 grokking" in shown(scored((row(some, 0),), 10, LOOKS), "zh")


def test_a_control_without_an_answer_says_why() -> None:
    card = of(10)
    first = card.rows[0].model_copy(update={"controls": (Control(arm="random_labels", missing="no key frequency"),)})
    text = shown(card.model_copy(update={"rows": (first, *card.rows[1:])}))
    assert "| control random_labels |  |  | no answer: no key frequency |" in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_both_languages_have_the_same_sections_and_tables(lang: Lang) -> None:
    def shape(parts: Any) -> Any:
        return [
            (part.id, part.folded, [len(block.rows) for block in part.lead if isinstance(block, Table)],
             part.table and len(part.table.rows), shape(part.parts))
            for part in parts
        ]  # fmt: skip

    card = of(20, values=0.5 + 10 * NOISE, refutes=within(-1, 0))
    assert shape(claims.sections(card, "manifold", lang)) == shape(claims.sections(card, "manifold", "en"))


def test_a_claim_that_is_asked_no_longer_keeps_its_section() -> None:
    gone = row(1 + NOISE[:10], 1, until=2)
    later = row(1 + NOISE[:10], 1, part="b", version=3, until=2, changed=CHANGED)
    card = scored((row(1 + NOISE[:10], 0), gone, later), 10, LOOKS)
    found = {section.id: section for section in claims.sections(card, "manifold", "en")}
    assert set(found) == {"claim-manifold-row.0", "claim-manifold-row.1"}
    assert isinstance(found["claim-manifold-row.1"].parts[0], Section)
    assert "asked no longer" in found["claim-manifold-row.1"].lead[0]  # pyright: ignore


# ---- the committed pages


@pytest.fixture(scope="module")
def card() -> Scorecard:
    return judge(EVIDENCE / "confirmatory.parquet")


@pytest.fixture(scope="module")
def explored() -> exploratory.Table:
    return exploratory.beside(EVIDENCE / "confirmatory.parquet")


def test_the_committed_pages_are_those_of_the_ledger(card: Scorecard, explored: Any, tmp_path: Path) -> None:
    """A ledger that grows is committed with its pages: docs/evidence/README.md has the command."""
    written = {path.relative_to(tmp_path).as_posix(): path for path in pages.write(card, tmp_path, explored)}
    committed = {path.relative_to(VERDICTS).as_posix() for path in VERDICTS.rglob("*") if path.is_file()}
    assert set(written) == committed
    other = [name for name, path in written.items() if path.read_bytes() != (VERDICTS / name).read_bytes()]
    assert other == [], "grokscope judge docs/evidence/confirmatory.parquet --output docs/verdicts/"


def test_the_exploratory_table_has_the_rows_of_the_first_scorecard(card: Scorecard, explored: Any) -> None:
    verdicts = [of_row.verdict for of_row in explored.values()]
    assert {name: verdicts.count(name) for name in set(verdicts)} == {"supported": 15, "refuted": 16, "undecided": 100}
    known = {(row.theory, row.id, row.part, row.version) for row in card.rows}
    lost = {key[2] for key in explored if key not in known}
    assert lost == {"two humps", "two humps of the loop"}  # tests of no effect, which the protocol took out
    assert all((of_row.effect is None) == (of_row.n is None) for of_row in explored.values())


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    for text, message in (
        ("a,b\n", "its columns are"),
        (",".join(exploratory.COLUMNS) + "\nx,y,,1,z,,,,u\n", "line 2"),
    ):
        (tmp_path / "exploratory.csv").write_text(text)
        with pytest.raises(StoreError, match=message):
            exploratory.beside(tmp_path / "some.parquet")
    assert exploratory.beside(EVIDENCE / "elsewhere" / "x.parquet") == {}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_claim_has_a_line_with_a_link_that_leads_somewhere(card: Scorecard, lang: Lang) -> None:
    index = (VERDICTS / claims.page_of("index", lang)).read_text(encoding="utf-8")
    for claim in wording.present(card):
        place = claims.address(claim.theory, claim.id, lang)
        assert index.count(f"({place})") == 1
        page, _, anchor = place.partition("#")
        assert f'<a id="{anchor}"></a>' in (VERDICTS / page).read_text(encoding="utf-8")
    for page in VERDICTS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert (VERDICTS / target).is_file(), (page.name, target)


def test_the_pages_are_small_enough_to_be_committed() -> None:
    assert sum(path.stat().st_size for path in VERDICTS.rglob("*") if path.is_file()) < 3_000_000


def test_a_made_page_says_how_it_is_made(card: Scorecard) -> None:
    index = (VERDICTS / "index.md").read_text(encoding="utf-8")
    assert card.ledger in index
    assert say("scorecard.rule", "en") in index


def test_without_matplotlib_nothing_is_written_and_the_message_is_one_line(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "grokscope.report.static.files", raising=False)
    monkeypatch.delattr("grokscope.report.static.files", raising=False)
    with pytest.raises(GrokscopeError, match="pip install"):
        pages.write(of(10), tmp_path / "new")
    assert not (tmp_path / "new").exists()

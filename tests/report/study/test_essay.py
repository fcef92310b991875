"""The answer to the essay: every section answered, in both languages, and never against the ledger."""

from pathlib import Path
from typing import Any, get_args

import pytest

from grokscope.predictions.cards import Scorecard, Verdict
from grokscope.report.page.markdown import document, inline
from grokscope.report.study import essay, wording
from grokscope.report.words import LANGUAGES, Lang, catalogue, say
from grokscope.studies.judging import judge
from grokscope.theories.base import theories

LEDGER = Path(__file__).parents[3] / "docs" / "evidence" / "confirmatory.parquet"
# The essay's own headings, in its order: the recap, four theories, the fifth view, the blind spot, the hypothesis, the
# re-readings, the predictions, the summary.
ORDER = ["recap", "theories", "circuits", "blind", "hypothesis", "rereading", "predictions", "summary"]
STATES = (*get_args(Verdict), "open")
SAID = ("supported", "falls_short", "refuted")

LATER = {"delay_laws"}  # of papers that the essay does not know


@pytest.fixture(scope="module")
def card() -> Scorecard:
    return judge(LEDGER)


def forced(card: Scorecard, state: str) -> Scorecard:
    """The same claims, each with one verdict."""
    verdict, looks = ("not_tested", (10,)) if state == "open" else (state, ())
    about: dict[str, Any] = {"verdict": verdict, "looks": (), "reason": "few"}
    return card.model_copy(
        update={"claims": tuple(claim.model_copy(update=about) for claim in card.claims), "looks": looks}
    )


def page(card: Scorecard, lang: Lang) -> str:
    return document("essay", [], essay.sections(card, lang), {})


def test_the_chapters_are_those_of_the_essay_in_its_order() -> None:
    assert list(essay.CHAPTERS) == ORDER
    assert [len(essay.CHAPTERS[name]) for name in ("theories", "rereading")] == [4, 5]
    numbers = [say(f"essay.{unit.id}.title", "en") for unit in essay.CHAPTERS["predictions"]]
    assert [title.split()[1].rstrip(":") for title in numbers] == sorted(
        title.split()[1].rstrip(":") for title in numbers
    )
    assert {title.split()[1].rstrip(":") for title in numbers} == {"1", "2", "3", "4"}


def test_every_claim_of_the_manifold_is_answered_and_every_claim_exists(card: Scorecard) -> None:
    named = {key for unit in essay.UNITS for key in unit.claims}
    assert named <= card.verdicts().keys()
    assert {claim for theory, claim in named if theory == "manifold"} == {
        row.id for row in theories()["manifold"].predictions
    }
    assert {theory for theory, _ in named} == set(theories()) - LATER  # no explanation of the essay is left out


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("state", STATES)
def test_a_section_says_what_its_verdict_means_and_no_other(card: Scorecard, state: str, lang: Lang) -> None:
    made = forced(card, state)
    text = page(made, lang)
    for unit in essay.UNITS:
        assert inline(essay.meaning(made, unit, lang)) in text
        for other in set(SAID) - {state}:
            assert inline(say(f"essay.{unit.id}.{other}", lang)) not in text
    assert say(f"verdict.{state}", lang) in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_says_what_stands_in_the_ledger(card: Scorecard, lang: Lang) -> None:
    text = page(card, lang)
    states = {(claim.theory, claim.id): wording.state(card, claim) for claim in wording.present(card)}
    for unit in essay.UNITS:
        start = text.index(f'<a id="essay-{unit.id}"></a>')
        end = text.find("\n##", start)
        part = text[start : end if end > 0 else len(text)]
        assert f"**{say(f'verdict.{states[unit.claims[0]]}', lang)}" in part
        assert all(f"-{claim})" in part for _, claim in unit.claims)
        for other in set(SAID) - {states[unit.claims[0]]}:
            assert inline(say(f"essay.{unit.id}.{other}", lang)) not in part


def test_both_languages_have_the_same_sections(card: Scorecard) -> None:
    ids = [[(part.id, [inner.id for inner in part.parts]) for part in essay.sections(card, lang)] for lang in LANGUAGES]
    assert ids[0] == ids[1]
    assert [id_ for id_, _ in ids[0]] == [f"essay-{name}" for name in ORDER]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_section_has_all_its_texts_and_none_twice(lang: Lang) -> None:
    texts = catalogue(lang)
    for unit in essay.UNITS:
        keys = ("title", "quote", "says", "measured", "asks", *SAID)
        assert all(texts[f"essay.{unit.id}.{key}"].strip() for key in keys)
    said = [texts[f"essay.{unit.id}.{key}"] for unit in essay.UNITS for key in ("asks", *SAID)]
    assert len(set(said)) == len(said)


def test_a_scorecard_without_the_claims_has_no_essay(card: Scorecard) -> None:
    assert essay.answerable(card)
    assert not essay.answerable(card.model_copy(update={"claims": card.claims[1:]}))

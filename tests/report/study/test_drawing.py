"""One figure of a study is that of its page."""

from typing import Any

import pytest

from grokscope.report.page.frame import Section
from grokscope.report.page.theme import blank
from grokscope.report.study import drawing
from grokscope.report.words import LANGUAGES, say


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A study whose page has these sections."""
    parts = [Section(id=f"claim-{name}", title=name, figure=blank(300), draws="forest") for name in ("a_b", "c")]
    sections = [
        Section(id="claims", title="all"),
        Section(id="theory", title="theory", parts=parts),
        Section(id="survival-0", title="times", figure=blank(400), draws="survival"),
    ]
    monkeypatch.setattr(drawing, "_sections", lambda study, lang: sections)
    return type("Study", (), {"id": "study-1"})()


def test_a_section_goes_by_its_id_or_the_name_of_its_figure(page: Any) -> None:
    assert drawing.figure(page, "claim-a-b").title == "a_b"
    assert drawing.figure(page, "claim_a_b").title == "a_b"
    assert drawing.figure(page, "survival").id == drawing.figure(page, "survival_0").id == "survival-0"


def test_it_has_its_caption_where_the_page_says_it_once_for_several(page: Any) -> None:
    for lang in LANGUAGES:
        assert drawing.figure(page, "claim-c", lang).caption == say("caption.forest", lang)


def test_of_several_figures_one_must_be_named(page: Any) -> None:
    with pytest.raises(ValueError, match="study study-1 has 2 figures 'forest'; name one of them: claim-a_b, claim-c"):
        drawing.figure(page, "forest")
    with pytest.raises(ValueError, match=r"unknown figure of study study-1 'survivel-0'\. Did you mean 'survival-0'"):
        drawing.figure(page, "survivel-0")


def test_a_study_without_figures_says_so(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_sections", lambda study, lang: [Section(id="claims", title="all")])
    with pytest.raises(ValueError, match="study study-1 has no figure yet"):
        drawing.figure(page, "forest")

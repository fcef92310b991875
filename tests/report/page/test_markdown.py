"""Markdown says what the sections hold, whatever signs are in it: read back by a parser of its own."""

import html
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markupsafe import Markup

from grokscope.errors import Missing
from grokscope.report.page.frame import Link, Section, Table
from grokscope.report.page.markdown import document, inline

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
SIGNS = st.text(st.sampled_from("ab 1.-+#>*_`[]()<>~|\\&;:!"), max_size=12)


def shown(text: str) -> str:
    """What a reader sees of Markdown."""
    return html.unescape(re.sub(r"<[^>]*>", "", READER.render(text)))


def plain(text: str) -> str:
    return " ".join(text.split())


@given(SIGNS)
def test_a_paragraph_says_what_it_was_given(text: str) -> None:
    assert plain(shown(document("title", [text], [], {}))) == plain(f"title {text}")


@given(st.lists(SIGNS, min_size=2, max_size=2))
def test_a_cell_says_what_it_was_given(texts: list[str]) -> None:
    rendered = READER.render(document("title", [Table(columns=["one", "two"], rows=[texts])], [], {}))
    cells = [html.unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", rendered)]
    assert cells == [plain(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1.2 [0.9, 1.5] of t_gen < 0.5", "1.2 [0.9, 1.5] of t_gen < 0.5"),  # numbers stay as they are read
        ("a <b> & a *", r"a \<b> & a \*"),
        (Markup("<strong>yes</strong><br>it&#39;s"), "**yes**<br>it's"),
        (Link(text="a [claim]", address="x.md#y"), "[a [claim]](x.md#y)"),
    ],
)
def test_only_what_markdown_would_take_is_escaped(text: Any, written: str) -> None:
    assert inline(text) == written


def test_sections_are_headings_with_their_ids_and_folded_ones_open_on_demand() -> None:
    inner = Section(id="inner", title="earlier", folded=True, table=Table(columns=["a", "b"], rows=[["1", "2"]]))
    outer = Section(id="outer", title="now", lead=["first", "second"], notes=["last"], parts=[inner])
    text = document("page", [], [outer], {"outer": "figures/now.svg"})
    order = ["# page", '## <a id="outer"></a>now', "first", "second", "![now](figures/now.svg)", "last", "<details"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    rendered = READER.render(text)
    assert "<summary>earlier</summary>" in rendered
    assert rendered.index("<table>") > rendered.index("<summary>")
    assert rendered.index("<table>") < rendered.index("</details>")


def test_a_figure_is_shown_only_where_there_is_one_and_links_stand_in_a_line() -> None:
    text = document("page", [(Link(text="a", address="a.md"), Link(text="b", address="b.md"))], [], {})
    assert "[a](a.md) · [b](b.md)" in text
    section = Section(id="one", title="x", figure=Missing("no moon"), caption="never said")
    text = document("page", [], [section], {})
    assert "no moon" in text
    assert "![" not in text

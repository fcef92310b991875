"""LaTeX of sections: every sign is escaped, and tables have the rules of booktabs."""

import re

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from grokscope.report.page.frame import Link, Section, Table
from grokscope.report.page.latex import HEAD, document, inline

# What TeX makes of the names, as its manual says.
NAMES = {"textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textless": "<", "textgreater": ">"}
NAMES |= {"textbar": "|"}


def typeset(text: str) -> str:
    """What TeX prints of a text without commands of its own."""
    words = re.sub(r"\\([a-z]+)\{\}", lambda found: NAMES[found[1]].replace("\\", "\0"), text)
    words = re.sub(r"\{([\[\]])\}", r"\1", words)
    assert not re.search(r"(?<!\\)[{}$&#_%^~]|\\[a-z]", words), words
    return re.sub(r"\\([{}$&#_%])", r"\1", words).replace("\0", "\\")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_a_text_is_printed_as_it_was_given(text: str) -> None:
    assert typeset(inline(text)) == " ".join(text.split())


def test_markup_keeps_what_is_bold_small_or_a_new_line() -> None:
    assert inline(Markup("<strong>50 % &lt; x</strong><br><small>a_b</small>")) == (
        r"\textbf{50 \% \textless{} x}\newline {\footnotesize a\_b}"
    )
    assert inline(Link(text="a & b", address="x.md")) == r"a \& b"
    assert inline("−∞ < λ") == r"$-$$\infty$ \textless{} $\lambda$"


def test_a_table_has_its_rules_and_as_many_cells_as_columns() -> None:
    table = Table(columns=["claim", "verdict"], rows=[["a & b", Markup("<strong>yes</strong>")], ["c", "[0, 1]"]])
    text = document("card", ["50 %"], [Section(id="x", title="all", table=table)])
    assert text.startswith(HEAD)
    for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{longtable}", r"\end{longtable}"):
        assert text.count(rule) == 1
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert [len(re.findall(r"(?<!\\)&", row)) for row in rows] == [1, 1, 1]
    assert sum(map(float, re.findall(r"p\{([\d.]+)\\linewidth\}", text))) < 1
    assert r"50 \%" in text

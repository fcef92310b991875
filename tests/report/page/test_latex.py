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


TOKEN = re.compile(r"\\([a-z]+)\{\}|\\([{}$&#_%])|\{([\[\]])\}|([^\\{}$&#_%^~\[\]])")


def typeset(text: str) -> str:
    """What TeX prints of a text without commands of its own. ValueError for a sign that it would obey."""
    printed, place = "", 0
    while place < len(text):
        token = TOKEN.match(text, place)
        if token is None:
            raise ValueError(f"TeX would obey {text[place:]}")
        name, *signs = token.groups()
        printed += NAMES[name] if name else "".join(sign or "" for sign in signs)
        place = token.end()
    return printed


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

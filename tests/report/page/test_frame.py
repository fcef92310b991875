"""A page escapes what it is given, and no module writes markup by itself."""

import ast
import re
from pathlib import Path

import pytest
from markupsafe import Markup

import grokscope.report
from grokscope.errors import Missing
from grokscope.report.page.frame import Section, Table, document
from grokscope.report.page.render import render
from grokscope.report.page.theme import blank

EVIL = '<script>alert("1")</script>'
# Plotly reads these in the texts of a figure; they are no markup of the page.
OF_PLOTLY = re.compile(r"<br>|</?extra>|</?b>")


def test_all_texts_are_escaped() -> None:
    figure = blank(300)
    figure.add_scatter(x=[1], y=[1], name=EVIL)
    inner = Section(id="inner", title=EVIL, figure=Missing(EVIL))
    table = Table(columns=[EVIL, EVIL], rows=[[EVIL, EVIL]])
    section = Section(
        id="one", title=EVIL, figure=figure, caption=EVIL, notes=[EVIL], table=table, links={EVIL: EVIL}, parts=[inner]
    )
    page = document(EVIL, [EVIL, EVIL], [section], "en")
    body = page[page.index("<body>") :]
    assert EVIL not in body
    assert body.count("&lt;script&gt;") >= 9
    assert page.count("</script>") == 3  # plotly.js, the figure's data, page.js


def test_markup_stands_as_it_is() -> None:
    assert "<em>so</em>" in document("", [""], [Section(id="one", title="", body=Markup("<em>so</em>"))], "en")


def test_a_figure_that_is_missing_stands_alone() -> None:
    page = document("", [""], [Section(id="one", title="", figure=Missing("no moon"), caption="never said")], "en")
    assert '<p class="missing">no moon</p>' in page
    assert "never said" not in page


def test_parts_are_one_level_deeper_and_listed_at_the_top() -> None:
    inner = Section(id="inner", title="small")
    page = document("", [""], [Section(id="outer", title="great", parts=[inner])], "zh")
    assert "<h2>great</h2>" in page
    assert "<h3>small</h3>" in page
    assert '<a href="#outer">great</a>' in page
    assert "<nav" not in document("", [""], [inner], "zh")


def test_a_template_that_lacks_a_value_is_an_error() -> None:
    with pytest.raises(Exception, match="'text' is undefined"):
        render("english")


def test_no_module_writes_markup() -> None:
    for path in Path(grokscope.report.__file__).parent.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for text in (str(node.value) for node in nodes if isinstance(node, ast.Constant)):
            assert not re.search(r"</?[a-z][^>]*>", OF_PLOTLY.sub("", text)), (path, text)

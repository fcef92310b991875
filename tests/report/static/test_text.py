"""Words on paper: markup, room, hostile names, and characters that no font has."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest

from grokscope.report.page import theme
from grokscope.report.static.files import pdf, png, svg
from grokscope.report.static.fonts import OWN, Fonts, fonts_for
from grokscope.report.static.text import block, plain
from tests.report.static.measuring import SVG

FONTS = Fonts(families=(OWN,))
HOSTILE = (
    "$x^2$ and $y$",
    "$",
    "a_b_c",
    "<script>alert(1)</script>",
    "\\frac{a}{b} % #",
    "&lt; &amp; <b",
    'x" onload="y',
    "]]>",
)


def named(*texts: str) -> Any:
    traces = [go.Scatter(x=[0, 1], y=[at, at], mode="lines", name=text) for at, text in enumerate(texts)]
    figure = theme.blank(400).add_traces(traces)
    figure.update_xaxes(title={"text": texts[0]})
    figure.update_yaxes(tickvals=list(range(len(texts))), ticktext=list(texts))
    return figure.add_annotation(text=texts[0], x=0.5, y=0.5)


def words(made: bytes) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(made).iter(f"{SVG}text")]


def test_a_hostile_name_is_drawn_as_it_stands() -> None:
    made = svg(named(*HOSTILE), width=12)
    for text in HOSTILE:
        assert words(made).count(text) >= 2  # in the legend and on the axis
    assert words(made).count(HOSTILE[0]) == 4
    assert b"<script" not in made
    assert "onload" not in {name for part in ElementTree.fromstring(made).iter() for name in part.attrib}
    assert pdf(named(*HOSTILE)).startswith(b"%PDF")
    assert png(named(*HOSTILE)).startswith(b"\x89PNG")


def test_what_a_file_cannot_hold_becomes_a_sign() -> None:
    made = svg(named("a\x00b\x1bc\ud800d", "two\nlines\tof text"))
    assert "a\ufffdb\ufffdc\ufffdd" in words(made)
    assert "two lines of text" in words(made)


def test_markup_is_line_ends_and_bold_and_nothing_else() -> None:
    shown = block("<b>part</b>: 1<br>second < third", FONTS)
    assert [[(piece.text, piece.bold) for piece in line] for line in shown.lines] == [
        [("part", True), (": 1", False)],
        [("second < third", False)],
    ]
    assert plain("<b>part</b>: 1<br>second") == "part: 1 second"
    made = svg(named("<b>part</b>: 1"))
    bold = [text.text for text in ElementTree.fromstring(made).iter(f"{SVG}text") if "700" in text.attrib["style"]]
    assert set(bold) == {"part"}


def test_spaces_at_the_ends_stay() -> None:
    assert block("  a b ", FONTS).lines[0][0].text == "\u00a0\u00a0a b\u00a0"


def test_text_becomes_smaller_and_then_takes_more_lines() -> None:
    text = "one two three four five six"
    whole = block(text, FONTS)
    smaller = block(text, FONTS, room=0.9 * whole.width)
    assert (len(smaller.lines), smaller.size) == (1, pytest.approx(0.9 * whole.size))
    wrapped = block(text, FONTS, room=0.4 * whole.width)
    assert len(wrapped.lines) == 2
    assert wrapped.size == pytest.approx(0.75 * whole.size)
    assert wrapped.width <= 0.4 * whole.width
    assert " ".join(piece.text for line in wrapped.lines for piece in line) == text
    assert block("x" * 100, FONTS, room=200).width <= 200  # within a word


def test_the_width_of_words_is_that_of_the_font() -> None:
    # DejaVu Sans's advances in units of 2,048 an em: "a" 1,255, "m" 1,995.
    assert FONTS.width("am", 2048) == pytest.approx(1255 + 1995, abs=1)
    assert FONTS.width("a", 2048, bold=True) > FONTS.width("a", 2048)


def test_without_a_font_for_them_characters_are_named_and_svg_leaves_them_to_the_reader() -> None:
    assert fonts_for(["train", "训练"]).lacking == {"训", "练"}
    figure = named("训练 loss", "b")
    for made in (pdf, png):
        with pytest.raises(
            ValueError, match="no font of this machine has 练训; install one that has, such as Noto Sans CJK"
        ):
            made(figure)
    made = svg(figure)
    assert "训练 loss" in words(made)
    families = ElementTree.fromstring(made).attrib["font-family"]
    assert families.startswith(f"'{OWN}'")
    assert "'Noto Sans CJK SC'" in families
    assert fonts_for(["训"]).width("训", 10) == 10  # an em, as Chinese fonts have it


def test_with_a_font_for_them_they_are_drawn_and_embedded(chinese: str) -> None:
    found = fonts_for(["train", "训练"])
    assert (found.families, found.lacking) == ((OWN, chinese), frozenset())
    figure = named("训练 loss", "b")
    made = pdf(figure)
    assert made.count(b"/FontFile2") == 2
    assert chinese.replace(" ", "").encode() in made
    assert png(figure).startswith(b"\x89PNG")


def test_a_font_that_has_a_sign_for_everything_is_not_one_that_has_the_character(tmp_path: Path) -> None:
    assert "Last Resort" not in " ".join(fonts_for(["训"]).families)

"""A font with Chinese characters, made here: the machines that test have none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import fontManager

from grokscope.report.static import fonts
from grokscope.report.words import catalogue


def made_font(file: Path, name: str, characters: str) -> None:
    """A font in which every character is a square as wide as it is high."""
    pen = TTGlyphPen(None)
    for number, corner in enumerate([(100, 0), (100, 800), (900, 800), (900, 0)]):
        (pen.lineTo if number else pen.moveTo)(corner)
    pen.closePath()
    square, empty = pen.glyph(), TTGlyphPen(None).glyph()
    glyphs = [".notdef", *(f"uni{ord(character):04X}" for character in characters)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap({ord(character): glyph for character, glyph in zip(characters, glyphs[1:], strict=True)})
    builder.setupGlyf(dict.fromkeys(glyphs[1:], square) | {".notdef": empty})
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 100)))
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name.replace(" ", "")})
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120, usWinAscent=880, usWinDescent=120)
    builder.setupPost()
    builder.save(file)


@pytest.fixture
def chinese(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a font that has all characters of the Chinese words; it is there for one test."""
    name, before = fonts.CHINESE[0], list(fontManager.ttflist)
    file = tmp_path_factory.getbasetemp() / "chinese.ttf"
    if not file.exists():
        wide = {character for text in catalogue("zh").values() for character in text if ord(character) > 0x2E80}
        made_font(file, name, "".join(sorted(wide)))
    fontManager.addfont(file)
    yield name
    fontManager.ttflist[:] = before
    fontManager._findfont_cached.cache_clear()  # type: ignore[attr-defined]

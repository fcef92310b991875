"""Fonts of a sheet: matplotlib's own DejaVu Sans, and for characters that it lacks, fonts of this machine."""

import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.textpath import text_to_path

OWN = "DejaVu Sans"  # comes with matplotlib, so that every machine draws the same
# Fonts with Chinese characters, those of few decorations first; any other that has them will do after these.
CHINESE = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Hiragino Sans GB", "SimHei", "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip
# Fonts that have a sign for what they lack, or signs in the places of other characters.
NO_FONTS = ("Last Resort", "cm", "STIXNon", "STIXSize")
WIDE, NARROW = 1.0, 0.6  # of the size: a wide character, and another one, that no font here can measure


@dataclass(frozen=True, kw_only=True)
class Fonts:
    """families: in the order in which a character is looked for. lacking: characters that no font here has."""

    families: tuple[str, ...]
    lacking: frozenset[str] = frozenset()

    def properties(self, size: float, *, bold: bool = False) -> FontProperties:
        """What matplotlib takes for a font."""
        return FontProperties(family=list(self.families), size=size, weight="bold" if bold else "normal")

    def width(self, text: str, size: float, *, bold: bool = False) -> float:
        """The width of a line, in the unit of the size; missing characters as wide as they would be."""
        known, unknown = ("".join(c for c in text if (c in self.lacking) == lacks) for lacks in (False, True))
        return (_width(self.families, known, bold) + sum(map(_em, unknown))) * size


@lru_cache(maxsize=10_000)
def _width(families: tuple[str, ...], text: str, bold: bool) -> float:
    with no_warning_of_glyphs():
        font = Fonts(families=families).properties(1.0, bold=bold)
        return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def _em(character: str) -> float:
    return WIDE if unicodedata.east_asian_width(character) in "WF" else NARROW


def fonts_for(texts: Iterable[str]) -> Fonts:
    """DejaVu Sans, and the fonts of this machine that have what it lacks."""
    wanted = {character for text in texts for character in text if character.isprintable()}
    lacking = wanted - _characters(findfont(OWN))
    families = [OWN]
    if lacking:
        for name, file in _others():
            known = _characters(file)
            if lacking & known:
                families.append(name)
                lacking -= known
            if not lacking:
                break
    return Fonts(families=tuple(families), lacking=frozenset(lacking))


def _others() -> Iterator[tuple[str, str]]:
    """Names and files of upright fonts of usual weight, the preferred ones first."""
    order = {name: place for place, name in enumerate(CHINESE)}
    entries = [
        font
        for font in fontManager.ttflist
        if font.style == "normal" and font.weight in (400, "normal", "regular") and not font.name.startswith(NO_FONTS)
    ]
    entries.sort(key=lambda font: (order.get(font.name, len(order)), font.name, str(font.fname)))
    return ((font.name, font.fname) for font in entries)


@cache
def _characters(file: str) -> frozenset[str]:
    return frozenset(map(chr, get_font(file).get_charmap()))


@contextmanager
def no_warning_of_glyphs() -> Iterator[None]:
    """Matplotlib warns of every missing character; here they are counted once, before anything is drawn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield

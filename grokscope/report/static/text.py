"""Text as Plotly writes it: <br> ends a line, <b> is bold; all else is text as it stands."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from grokscope.report.static.fonts import Fonts

SIZE = 13.0  # pixels, the template's
ASCENT, DESCENT, LINE = (
    0.79,
    0.24,
    1.28,
)  # of the size: DejaVu Sans above and below its base line, and from line to line
SMALLEST = 0.75  # of its size: text that has no room is drawn smaller down to this, then on more lines
MARKUP = re.compile(r"(<br>|</?b>)")


@dataclass(frozen=True)
class Piece:
    """A part of a line."""

    text: str
    bold: bool = False


Line = list[Piece]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Lines of one size, in pixels."""

    lines: list[Line]
    size: float
    widths: list[float]

    @property
    def width(self) -> float:
        return max(self.widths, default=0.0)

    @property
    def height(self) -> float:
        return (ASCENT + DESCENT + LINE * (len(self.lines) - 1)) * self.size


def block(words: str, fonts: Fonts, size: float = SIZE, *, room: float | None = None, least: float = SMALLEST) -> Block:
    """The lines of a text. Where they are wider than `room` pixels they become smaller, down to `least` of their size,
    and then more."""
    lines = _lines(words)
    width = _widest(lines, fonts, size)
    if room is not None and width > room:
        smaller = max(least, room / width)
        size *= smaller
        if width * smaller > room + 0.5:
            lines = [part for line in lines for part in _wrapped(line, fonts, size, room)]
    return Block(lines=lines, size=size, widths=[line_width(line, fonts, size) for line in lines])


def plain(words: str) -> str:
    """A text without markup, on one line."""
    return " ".join("".join(piece.text for piece in line) for line in _lines(words))


def line_width(line: Sequence[Piece], fonts: Fonts, size: float) -> float:
    """The width of a line in pixels."""
    return sum(fonts.width(piece.text, size, bold=piece.bold) for piece in line)


def _widest(lines: Sequence[Line], fonts: Fonts, size: float) -> float:
    return max((line_width(line, fonts, size) for line in lines), default=0.0)


def _lines(words: str) -> list[Line]:
    lines: list[Line] = [[]]
    bold = False
    for part in MARKUP.split(words):
        if part == "<br>":
            lines.append([])
        elif part in ("<b>", "</b>"):
            bold = part == "<b>"
        elif part:
            lines[-1].append(Piece(_clean(part), bold))
    return lines


def _clean(text: str) -> str:
    """Without what a file cannot hold; spaces at the ends stay, which SVG would drop."""
    shown = "".join(_shown(character) for character in text)
    inner = shown.strip(" ")
    left = len(shown) - len(shown.lstrip(" "))
    return "\u00a0" * left + inner + "\u00a0" * (len(shown) - left - len(inner)) if inner else "\u00a0" * len(shown)


def _shown(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cs", "Cn") else character


def _wrapped(line: Line, fonts: Fonts, size: float, room: float) -> list[Line]:
    """A line as several; it breaks after spaces, "_", "/" and ",", and within a word that is wider than the room."""
    lines: list[Line] = [[]]
    for piece in line:
        for word in re.findall(r"[^\s_/,，、。；]*[\s_/,，、。；]*", piece.text):
            for part in _parts(word, fonts, size, room, piece.bold):
                if lines[-1] and line_width([*lines[-1], Piece(part.rstrip(), piece.bold)], fonts, size) > room:
                    lines.append([])
                _add(lines[-1], Piece(part, piece.bold))
    return [[*line[:-1], Piece(line[-1].text.rstrip(" "), line[-1].bold)] for line in lines if line]


def _parts(word: str, fonts: Fonts, size: float, room: float, bold: bool) -> list[str]:
    """A word, cut where it is wider than the room; Chinese between any two characters."""
    parts, start = [], 0
    for end in range(1, len(word) + 1):
        wide = fonts.width(word[start:end].rstrip(), size, bold=bold) > room and end - start > 1
        if wide or (end - start > 1 and unicodedata.east_asian_width(word[end - 1]) == "W"):
            parts.append(word[start : end - 1])
            start = end - 1
    return [*parts, word[start:]] if word[start:] else parts


def _add(line: Line, piece: Piece) -> None:
    """At the end of a line, joined with what is of the same kind."""
    if line and line[-1].bold == piece.bold:
        line[-1] = Piece(line[-1].text + piece.text, piece.bold)
    else:
        line.append(piece)

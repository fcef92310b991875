"""Sections of `frame` as LaTeX, to be read in with \\input: paragraphs and long tables with the rules of booktabs.

Figures are left out. The head of the file names the packages that it needs.
"""

from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from markupsafe import Markup

from grokscope.report.page.frame import Block, Cell, Link, Section, Table

HEAD = r"""% \usepackage{array,booktabs,longtable}; Chinese needs ctex as well, and XeLaTeX or LuaLaTeX"""
LEVELS = ("section", "subsection", "subsubsection", "paragraph")
SIGNS = {sign: f"\\{sign}" for sign in "{}$&#_%"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "[": "{[}", "]": "{]}",
}  # fmt: skip
# Signs of mathematics that the fonts of text lack.
SIGNS |= {
    sign: f"$\\{name}$"
    for sign, name in {
        "∞": "infty", "≥": "ge", "≤": "le", "≈": "approx", "⊥": "perp", "→": "to", "α": "alpha", "β": "beta",
        "γ": "gamma", "η": "eta", "λ": "lambda", "ω": "omega", "×": "times", "÷": "div", "∝": "propto",
    }.items()
} | {"−": "$-$", "²": "$^2$", "₀": "$_0$", "₁": "$_1$", "₃": "$_3$"}  # fmt: skip
TAGS = {"strong": (r"\textbf{", "}"), "small": (r"{\footnotesize ", "}"), "br": (r"\newline ", "")}
NARROW, WIDE = 8, 60  # letters to which the longest cell of a column is counted, at least and at most
ROOM = 0.92  # of the line; the rest is between the columns


def document(title: str, lead: Sequence[Block], sections: Sequence[Section]) -> str:
    """The whole file."""
    blocks = [HEAD, rf"\section*{{{inline(title)}}}", *map(_block, lead)]
    for part in sections:
        blocks += _section(part, 1)
    return "\n\n".join(blocks) + "\n"


def inline(text: Cell) -> str:
    """A text with all signs of LaTeX escaped; of markup what is bold, small, or a break of the line."""
    if isinstance(text, Link):
        return inline(text.text)
    if not isinstance(text, Markup):
        return _escaped(" ".join(text.split()))
    reader = _Reader()
    reader.feed(" ".join(text.split()))
    reader.close()
    return "".join(reader.parts)


class _Reader(HTMLParser):
    """Collects the parts of a text with markup."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002, the parser's own
        self.parts.append(TAGS.get(tag, ("", ""))[0])

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(TAGS.get(tag, ("", ""))[1])

    def handle_data(self, data: str) -> None:
        self.parts.append(_escaped(data))


def _escaped(text: str) -> str:
    return "".join(SIGNS.get(sign, sign) for sign in text)


def _section(part: Section, level: int) -> Iterator[str]:
    yield rf"\{LEVELS[min(level, len(LEVELS) - 1)]}*{{{inline(part.title)}}}"
    yield from map(_block, (*part.lead, *part.notes, *([part.table] if part.table else [])))
    for inner in part.parts:
        yield from _section(inner, level + 1)


def _block(block: Block) -> str:
    return _table(block) if isinstance(block, Table) else inline(block)


def _table(of: Table) -> str:
    head = " & ".join(rf"\textbf{{{inline(name)}}}" for name in of.columns) + r" \\"
    rows = [" & ".join(map(inline, row)) + r" \\" for row in of.rows]
    columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{share:.3f}\linewidth}}" for share in _shares(of))
    lines = [rf"\begin{{longtable}}{{{columns}}}", r"\toprule", head, r"\midrule", r"\endhead", *rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{longtable}"])


def _shares(of: Table) -> list[float]:
    """The share of the line that each column has: by its longest cell, within limits."""
    longest = [max(len(inline(row[place])) for row in (of.columns, *of.rows)) for place in range(len(of.columns))]
    weights = [min(max(letters, NARROW), WIDE) for letters in longest]
    return [ROOM * weight / sum(weights) for weight in weights]

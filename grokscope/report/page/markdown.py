"""A page as Markdown: the sections of `frame`, read where the repository is read. Figures lie beside it as files."""

import re
from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from grokscope.report.page.frame import Block, Cell, Link, Section, Table
from grokscope.report.page.render import render

# Signs where Markdown would take them for its own: "_" at the ends of words, brackets before an address, "<" of a tag.
SIGNS = re.compile(r"[\\`*~]|<(?=[A-Za-z/!?])|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
AT_START = re.compile(r"^(?:>|-(?=[\s-]|$)|\+(?=\s|$)|#(?=#*(?:\s|$))|\d+(?=[.)](?:\s|$)))")
STRONG = re.compile(r"<(/?)strong>")
QUOTES = {"&#39;": "'", "&#34;": '"'}


def document(
    title: str, lead: Sequence[Block | Sequence[Link]], sections: Sequence[Section], images: Mapping[str, str]
) -> str:
    """The whole page. lead: paragraphs, tables, and lines of links below the title. images: id of a section -> where
    its figure lies, from the page's folder."""
    blocks = [f"# {inline(title)}", *map(_block, lead)]
    for part in sections:
        blocks += _section(part, 2, images)
    return "\n\n".join(blocks) + "\n"


def inline(text: Cell) -> str:
    """A text within a line. What is plain says what it says; markup stands as it is."""
    if isinstance(text, Link):
        return f"[{inline(text.text)}]({text.address})"
    line = " ".join(text.split())
    if not isinstance(text, Markup):
        return SIGNS.sub(r"\\\g<0>", line)
    line = STRONG.sub("**", line)
    for entity, quote in QUOTES.items():
        line = line.replace(entity, quote)
    return line


def _section(part: Section, level: int, images: Mapping[str, str]) -> Iterator[str]:
    inside = list(_inside(part, level, images))
    if part.folded:
        yield render("folded", id=part.id, title=part.title, body=Markup("\n\n".join(inside)))
    else:
        yield f"{'#' * level} {render('anchor', id=part.id)}{inline(part.title)}"
        yield from inside


def _inside(part: Section, level: int, images: Mapping[str, str]) -> Iterator[str]:
    if part.missing:
        yield _block(part.missing)
    else:
        yield from map(_block, part.lead)
        if part.id in images:
            yield f"![{inline(part.title)}]({images[part.id]})"
        told = (part.caption, *part.notes, part.table)
        yield from (_block(block) for block in told if block)
        if part.body is not None:
            yield str(part.body)
    for inner in part.parts:
        yield from _section(inner, level + 1, images)


def _block(block: Block | Sequence[Link]) -> str:
    if isinstance(block, Table):
        return "\n".join([_row(block.columns), "|" + "---|" * len(block.columns), *map(_row, block.rows)])
    if not isinstance(block, str):
        return " · ".join(map(inline, block))
    line = inline(block)
    return line if isinstance(block, Markup) else AT_START.sub(_escaped, line)


def _escaped(found: re.Match[str]) -> str:
    """A sign that would begin a list, a heading or a quotation; of a number the dot behind it."""
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def _row(cells: Sequence[Cell]) -> str:
    return "| " + " | ".join(inline(cell).replace("|", "\\|") for cell in cells) + " |"

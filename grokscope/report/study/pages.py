"""A scorecard as a folder of Markdown pages: a summary, a page a theory with a figure a claim, and the answer to the
essay; each in both languages. The same scorecard gives the same bytes."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from grokscope.errors import Missing
from grokscope.predictions.cards import Claim, Scorecard
from grokscope.report.figures.forest import forest
from grokscope.report.page.frame import Block, Cell, Link, Table
from grokscope.report.page.markdown import document
from grokscope.report.static.write import on_paper
from grokscope.report.study import claims, essay, exploratory, scorecard, wording
from grokscope.report.study.because import because
from grokscope.report.words import LANGUAGES, Lang, count, say, told
from grokscope.runs.output import write_output
from grokscope.theories.base import theories

INDEX, ESSAY = "index", "essay"
LARGER = 1.28  # a figure of 6.75 inches fills the 830 pixels of a page
SUMMARY = ("theory", "claim", "verdict", "seeds", "evidence")


def write(
    card: Scorecard, folder: Path, explored: Mapping[exploratory.Key, exploratory.Explored] = claims.NOTHING
) -> list[Path]:
    """Writes the pages and their figures into a folder, and returns their paths. explored: of the exploratory seeds.

    GrokscopeError without matplotlib.
    """
    files = _figures(card)
    drawn = {claims.anchor(*key): place for key, place in places(card).items() if place in files}
    for lang in LANGUAGES:
        files |= {name: text.encode() for name, text in _pages(card, explored, drawn, lang).items()}
    return [write_output(folder / name, data) for name, data in files.items()]


def places(card: Scorecard) -> dict[tuple[str, str], str]:
    """Theory and id of each present claim -> where its figure lies, from the folder."""
    return {(claim.theory, claim.id): f"figures/{claim.theory}/{claim.id}.svg" for claim in wording.present(card)}


def _figures(card: Scorecard) -> dict[str, bytes]:
    """The figures that there are; they hold no words, so that both languages share them."""
    svg, where, files = on_paper(".svg"), places(card), dict[str, bytes]()
    for claim in wording.present(card):
        figure = forest(wording.rows_of(card, claim), "en")
        if not isinstance(figure, Missing):
            files[where[claim.theory, claim.id]] = _enlarged(svg(figure))
    return files


def _enlarged(file: bytes) -> bytes:
    """A figure that is drawn for paper, with letters as large as those of the text around it."""
    sizes = re.compile(rb'\b(width|height)="([\d.]+)pt"')
    return sizes.sub(lambda found: b'%b="%.2fpt"' % (found[1], LARGER * float(found[2])), file, count=2)


def _pages(
    card: Scorecard, explored: Mapping[exploratory.Key, exploratory.Explored], drawn: Mapping[str, str], lang: Lang
) -> dict[str, str]:
    found = {claims.page_of(INDEX, lang): document(say("verdicts.title", lang), _summary(card, lang), [], {})}
    for name in scorecard.theories_of(card):
        parts = claims.sections(card, name, lang, explored)
        title = scorecard.theory_title(name, lang)
        found[claims.page_of(name, lang)] = document(title, _lead(card, name, lang), parts, drawn)
    if essay.answerable(card):
        images = essay.images(drawn)
        lead = [_around(ESSAY, lang), *essay.lead(card, lang)]
        found[claims.page_of(ESSAY, lang)] = document(
            say("essay.title", lang), lead, essay.sections(card, lang), images
        )
    return found


def _around(name: str, lang: Lang) -> tuple[Link, ...]:
    """Links to the same page in the other language, and to the summary."""
    links = [Link(text=say("verdicts.language", other), address=claims.page_of(name, other)) for other in LANGUAGES]
    links = [link for link, other in zip(links, LANGUAGES, strict=True) if other != lang]
    if name != INDEX:
        links.append(Link(text=say("verdicts.title", lang), address=claims.page_of(INDEX, lang)))
    return tuple(links)


def _summary(card: Scorecard, lang: Lang) -> list[Block | Sequence[Link]]:
    """What stands on the summary below its title."""
    names = scorecard.theories_of(card)
    links = [Link(text=scorecard.theory_title(name, lang), address=claims.page_of(name, lang)) for name in names]
    if essay.answerable(card):
        links.insert(0, Link(text=say("essay.title", lang), address=claims.page_of(ESSAY, lang)))
    made = [say("verdicts.made", lang, ledger=card.ledger)] if card.ledger else []
    columns = [say(f"column.{name}", lang) for name in SUMMARY]
    table = Table(columns=columns, rows=[_line(card, claim, lang) for claim in wording.present(card)])
    said = [*scorecard.lead(card, lang), *scorecard.notes(card, lang)]
    return [_around(INDEX, lang), *said, tuple(links), table, *made]


def _line(card: Scorecard, claim: Claim, lang: Lang) -> list[Cell]:
    """A claim in a line."""
    opened = wording.state(card, claim) == "open"
    return [
        Link(text=scorecard.theory_title(claim.theory, lang), address=claims.page_of(claim.theory, lang)),
        Link(text=told(claim.claim, lang), address=claims.address(claim.theory, claim.id, lang)),
        say(f"verdict.{wording.state(card, claim)}", lang),
        wording.awaited(card, claim) if opened else count(claim.n),
        "" if opened else wording.together(card, claim, lang),
    ]


def _lead(card: Scorecard, theory: str, lang: Lang) -> list[Block | Sequence[Link]]:
    """What stands on a theory's page above its claims."""
    known = theories()
    source = [say("verdicts.source", lang, source=because(known[theory].source, lang))] if theory in known else []
    said = scorecard.lead(card, lang, theory)[:-1]  # the rule stands on the summary
    listed = Table(
        columns=[say(f"column.{name}", lang) for name in SUMMARY[1:]],
        rows=[_line(card, claim, lang)[1:] for claim in wording.present(card, theory)],
    )
    return [_around(theory, lang), *source, *said, listed, say("verdicts.reading", lang), forest.caption(lang)]

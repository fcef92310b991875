"""A scorecard as a page: the claims at a glance, then every claim with its figure and its rows, theory by theory."""

from collections.abc import Mapping
from pathlib import Path

from grokscope.predictions.cards import Row, Scorecard
from grokscope.report.figures.forest import forest
from grokscope.report.page.frame import Section, Table, write_page
from grokscope.report.page.render import render
from grokscope.report.study import claims, exploratory, wording
from grokscope.report.study.because import because
from grokscope.report.words import Lang, count, require_language, say, told
from grokscope.theories.base import theories

COLUMNS = ("prediction", "measured", "effect", "regions", "verdict", "controls")
GLANCE = ("claim", "verdict", "evidence")


def write(
    card: Scorecard,
    path: str | Path,
    lang: Lang = "en",
    explored: Mapping[exploratory.Key, exploratory.Explored] = claims.NOTHING,
) -> Path:
    """Writes the page of a scorecard to a file and returns its path. lang: en or zh. explored: of the exploratory
    seeds."""
    require_language(lang)
    title = say("scorecard.title", lang)
    return write_page(path, title, [*lead(card, lang), *notes(card, lang)], sections(card, lang, explored), lang)


def lead(card: Scorecard, lang: Lang = "en", theory: str | None = None) -> list[str]:
    """How many claims have each verdict, of a theory or of all; and the rule."""
    found = [wording.state(card, claim) for claim in wording.present(card, theory)]
    numbers = {verdict: count(found.count(verdict)) for verdict in card.counts()}
    said = [say("scorecard.lead", lang, n=count(len(found)), **numbers)]
    if opened := found.count("open"):
        said.append(say("scorecard.open", lang, n=count(opened)))
    return [*said, say("scorecard.rule", lang)]


def notes(card: Scorecard, lang: Lang = "en") -> list[str]:
    """Remarks on all rows."""
    return [because(note, lang) for note in card.notes]


def sections(
    card: Scorecard, lang: Lang = "en", explored: Mapping[exploratory.Key, exploratory.Explored] = claims.NOTHING
) -> list[Section]:
    """The claims at a glance; then of each theory a section a claim, with earlier wordings last."""
    found = [Section(id="claims", title=say("scorecard.glance", lang), table=glance_table(card, lang))]
    for name in theories_of(card):
        parts = claims.sections(card, name, lang, explored)
        found.append(
            Section(id=f"theory-{name}", title=theory_title(name, lang), lead=[forest.caption(lang)], parts=parts)
        )
    return found


def theories_of(card: Scorecard) -> list[str]:
    """The theories that have claims, in order."""
    return list(dict.fromkeys(claim.theory for claim in card.claims))


def theory_title(name: str, lang: Lang) -> str:
    """The title of a theory; the name itself where it is not known here."""
    known = theories()
    return told(known[name].title, lang) if name in known else name


def glance(card: Scorecard, lang: Lang = "en") -> list[tuple[str, str, str]]:
    """Of each present claim its text, its verdict, and what that rests on."""
    return [
        (
            f"{told(claim.claim, lang)} ({claim.id})",
            wording.verdict(card, claim, lang),
            wording.together(card, claim, lang),
        )
        for claim in wording.present(card)
    ]


def glance_table(card: Scorecard, lang: Lang) -> Table:
    """The same with heads."""
    return Table(columns=[say(f"column.{column}", lang) for column in GLANCE], rows=glance(card, lang))


def cells(row: Row, lang: Lang = "en", found: wording.State | None = None) -> list[str]:
    """The cells of a row, as COLUMNS. found: "open" where its claim waits for its first look."""
    found = found or row.verdict
    why = [] if found == "open" else [wording.why(row, lang)]
    return [
        render("cell", lines=[told(row.claim, lang)], small=row.name),
        render("cell", lines=wording.measured(row, lang)),
        wording.effect(row, lang),
        wording.regions(row, lang),
        render("cell", strong=say(f"verdict.{found}", lang), lines=why),
        render("cell", lines=[wording.control(of_arm, lang) for of_arm in row.controls]),
    ]

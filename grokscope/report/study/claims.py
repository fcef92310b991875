"""The section of a claim: the verdict first, then what was measured and why so, the figure, its numbers, the looks, and
earlier wordings, folded."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grokscope.errors import Missing
from grokscope.predictions.cards import Claim, Control, Row, Scorecard
from grokscope.report.figures.forest import forest
from grokscope.report.page.frame import Block, Cell, Section, Table
from grokscope.report.page.render import render
from grokscope.report.study import exploratory, wording
from grokscope.report.study.because import because
from grokscope.report.words import Lang, count, number, part_name, say, told, with_interval

NOTHING: Mapping[exploratory.Key, exploratory.Explored] = {}


def anchor(theory: str, claim: str) -> str:
    """The id of a claim's section."""
    return f"claim-{theory}-{claim}"


def page_of(name: str, lang: Lang) -> str:
    """The file of a page in a language."""
    return f"{name}.md" if lang == "en" else f"{name}.{lang}.md"


def address(theory: str, claim: str, lang: Lang) -> str:
    """Where a claim stands, from the folder of the pages."""
    return f"{page_of(theory, lang)}#{anchor(theory, claim)}"


def sections(
    card: Scorecard, theory: str, lang: Lang, explored: Mapping[exploratory.Key, exploratory.Explored] = NOTHING
) -> list[Section]:
    """A section each present claim of a theory, and each that is asked no longer. explored: of the first seeds."""
    now = wording.present(card, theory)
    known = {claim.id for claim in now}
    found = [_section(card, claim, lang, explored) for claim in now]
    gone = {claim.id: claim for claim in card.claims if claim.theory == theory and claim.id not in known}
    for claim in gone.values():
        parts = list(_earlier(card, claim, lang, explored))
        id_, lead = anchor(theory, claim.id), [say("scorecard.gone", lang)]
        found.append(Section(id=id_, title=told(claim.claim, lang), lead=lead, parts=parts))
    return found


def _section(card: Scorecard, claim: Claim, lang: Lang, explored: Mapping[Any, exploratory.Explored]) -> Section:
    rows = wording.rows_of(card, claim)
    figure = forest(rows, lang)
    known = bool(claim.looks) or any(row.effect is not None for row in rows)
    return Section(
        id=anchor(claim.theory, claim.id),
        title=told(claim.claim, lang),
        lead=[wording.standing(card, claim, lang), _fixed(rows, lang), *_changes(rows, lang)],
        figure=None if isinstance(figure, Missing) else figure,
        draws=forest.id,
        table=_found(rows, lang) if known else None,
        parts=[*_looks(claim, lang), *_earlier(card, claim, lang, explored)],
    )


def _fixed(rows: Sequence[Row], lang: Lang) -> Table:
    """What was fixed before the data were seen: a line a part."""
    columns = [say(f"column.{name}", lang) for name in ("part", "measured", "supports", "refutes", "ideal")]
    return Table(columns=columns, rows=[_terms(row, lang) for row in rows])


def _terms(row: Row, lang: Lang) -> list[Cell]:
    ideal = "" if row.ideal is None else number(row.ideal)
    regions = (wording.region(stretches, lang) for stretches in (row.supports, row.refutes))
    return [_part(row, lang), told(row.measured, lang), *regions, ideal]


def _part(row: Row, lang: Lang) -> Cell:
    name = part_name(row.part, lang) if row.part else say("row.whole", lang)
    own = f"{row.id}/{row.part}" if row.part and name != row.part else row.id  # by which a reader finds it elsewhere
    return render("cell", lines=[name], small=f"{own} v{row.version}")


def _changes(rows: Sequence[Row], lang: Lang) -> list[Block]:
    """Why the rows are no longer as first written; each reason once."""
    changed: dict[tuple[int, str], list[Row]] = {}
    for row in (row for row in rows if row.changed):
        changed.setdefault((row.version, told(row.changed or {}, lang)), []).append(row)
    return [
        say(
            "row.changed" if len(of) == len(rows) else "row.changed_of",
            lang, version=version, changed=reason, parts=wording.parts_of(of, lang),
        )
        for (version, reason), of in changed.items()
    ]  # fmt: skip


def _found(rows: Sequence[Row], lang: Lang) -> Table:
    """What the seeds say of each part, and beneath it of its controls."""
    columns = [say(f"column.{name}", lang) for name in ("part", "effect", "seeds", "says")]
    lines: list[list[Cell]] = []
    for row in rows:
        lines.append(_answer(row, lang))
        lines += [_control(control, lang) for control in row.controls]
    return Table(columns=columns, rows=lines)


def _answer(row: Row, lang: Lang) -> list[Cell]:
    shown = "" if row.effect is None else with_interval(row.effect, row.low, row.high)
    without = [say("row.without", lang, n=count(row.lacking), why=because(row.missing, lang))] if row.lacking else []
    says = render("cell", strong=say(f"verdict.{row.verdict}", lang), lines=[wording.why(row, lang)])
    name = render("strong", text=part_name(row.part or row.id, lang))
    return [name, shown, render("cell", lines=[count(row.n), *without]), says]


def _control(control: Control, lang: Lang) -> list[Cell]:
    name = say("row.control", lang, arm=control.arm)
    if control.effect is None:
        return [name, "", "", say("row.no_control", lang, why=because(control.missing, lang))]
    shown = with_interval(control.effect, control.low, control.high)
    ahead = wording.ahead(control)
    return [name, shown, count(control.n), ahead and say("row.ahead", lang, ahead=ahead)]


def _looks(claim: Claim, lang: Lang) -> Iterator[Section]:
    """The looks that were taken: seeds, level, and both p-values."""
    if claim.looks:
        columns = [say(f"column.{name}", lang) for name in ("seeds", "level", "p_supports", "p_falls")]
        lines = [(count(look.n), number(look.level), number(look.supports), number(look.falls)) for look in claim.looks]
        id_ = f"looks-{claim.theory}-{claim.id}"
        yield Section(id=id_, title=say("scorecard.looks", lang), table=Table(columns=columns, rows=lines))


def _earlier(
    card: Scorecard, claim: Claim, lang: Lang, explored: Mapping[exploratory.Key, exploratory.Explored]
) -> Iterator[Section]:
    """Earlier wordings of a claim, what they come to on these seeds and came to on the exploratory ones."""
    rows = [row for row in card.rows if (row.theory, row.id) == (claim.theory, claim.id)]
    keys = {(row.theory, row.id, row.part, row.version): row for row in rows}
    kept = [row for key, row in keys.items() if not row.current or key in explored]
    lost = [key for key in explored if key[:2] == (claim.theory, claim.id) and key not in keys]
    if not kept and not lost:
        return
    columns = [say(f"column.{name}", lang) for name in ("wording", "regions", "here", "explored")]
    lines = [_wording(card, row, lang, explored) for row in kept]
    lines += [_lost(key, explored[key], lang) for key in lost]
    id_ = f"earlier-{claim.theory}-{claim.id}"
    yield Section(id=id_, title=say("scorecard.earlier", lang), folded=True, table=Table(columns=columns, rows=lines))


def _wording(card: Scorecard, row: Row, lang: Lang, explored: Mapping[Any, exploratory.Explored]) -> list[Cell]:
    of_row = explored.get((row.theory, row.id, row.part, row.version))
    words = (
        [say("row.present", lang, measured=told(row.measured, lang))] if row.current else wording.measured(row, lang)
    )
    here = wording.state_of_row(card, row)
    lines = [wording.effect(row, lang), wording.why(row, lang)] if here != "open" else []
    return [
        render("cell", lines=words, small=row.name),
        wording.regions(row, lang),
        render("cell", strong=say(f"verdict.{here}", lang), lines=[line for line in lines if line]),
        "" if of_row is None else _explored(of_row, lang),
    ]


def _explored(of_row: exploratory.Explored, lang: Lang) -> Cell:
    return render("cell", strong=say(f"verdict.{of_row.verdict}", lang), lines=[of_row.said(lang)])


def _lost(key: exploratory.Key, of_row: exploratory.Explored, lang: Lang) -> list[Cell]:
    """A wording that is not judged any more."""
    _, id_, part, version = key
    name = f"{id_}/{part}" if part else id_
    words = [say("explored.gone", lang)]
    return [render("cell", lines=words, small=f"{name} v{version}"), "", "", _explored(of_row, lang)]

"""The page of a scorecard: every prediction with its effect, verdict and controls, theory by theory."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grokscope.errors import Missing
from grokscope.predictions.cards import Claim, Control, Row, Scorecard
from grokscope.report.figures.forest import forest
from grokscope.report.page.frame import Cell, Section, Table, write_page
from grokscope.report.page.render import render
from grokscope.report.study.because import because
from grokscope.report.words import Lang, count, number, require_language, say, told
from grokscope.theories.base import theories

COLUMNS = ("prediction", "measured", "effect", "regions", "verdict", "controls")
GLANCE = ("claim", "verdict", "evidence")


def write(card: Scorecard, path: str | Path, lang: Lang = "en") -> Path:
    """Writes the page of a scorecard to a file and returns its path. lang: en or zh."""
    require_language(lang)
    return write_page(path, say("scorecard.title", lang), lead(card, lang), sections(card, lang), lang)


def lead(card: Scorecard, lang: Lang = "en") -> list[str]:
    """How many claims have each verdict, and the rule."""
    numbers = {verdict: count(n) for verdict, n in card.counts().items()}
    total = count(sum(card.counts().values()))
    return [say("scorecard.lead", lang, n=total, **numbers), say("scorecard.rule", lang)]


def sections(card: Scorecard, lang: Lang = "en") -> list[Section]:
    """The claims at a glance; then of each theory a section a claim with its figure and rows; then earlier wordings."""
    known = theories()
    heads = [say(f"column.{column}", lang) for column in GLANCE]
    table = Table(columns=heads, rows=glance(card, lang))
    found = [Section(id="claims", title=say("scorecard.glance", lang), table=table)]
    for name in dict.fromkeys(claim.theory for claim in card.claims):
        of_theory = [claim for claim in card.claims if claim.theory == name]
        parts = [_claim(card, claim, lang) for claim in of_theory if claim.current]
        if earlier := [row for row in card.rows if row.theory == name and not row.current]:
            id_ = f"earlier-{name}"
            parts.append(Section(id=id_, title=say("scorecard.earlier", lang), table=_table(earlier, lang)))
        title = told(known[name].title, lang) if name in known else name
        found.append(Section(id=f"theory-{name}", title=title, parts=parts))
    return found


def _claim(card: Scorecard, claim: Claim, lang: Lang) -> Section:
    rows = rows_of(card, claim)
    figure = forest(rows, lang)
    drawn: dict[str, Any] = {} if isinstance(figure, Missing) else {"figure": figure, "caption": forest.caption(lang)}
    title = say("glance.part", lang, part=say(f"verdict.{claim.verdict}", lang), effect=told(claim.claim, lang))
    return Section(id=f"claim-{claim.theory}-{claim.id}", title=title, table=_table(rows, lang), **drawn)


def _table(rows: Sequence[Row], lang: Lang) -> Table:
    columns = [say(f"column.{column}", lang) for column in COLUMNS]
    return Table(columns=columns, rows=[cells(row, lang) for row in rows])


def rows_of(card: Scorecard, claim: Claim) -> list[Row]:
    """The rows of a claim."""
    return [row for row in card.rows if row.theory == claim.theory and row.name in claim.parts]


def glance(card: Scorecard, lang: Lang = "en") -> list[tuple[str, str, str]]:
    """Of each present claim its text, its verdict, and what that rests on."""
    return [
        (f"{told(claim.claim, lang)} ({claim.id})", verdict(claim, lang), _together(rows_of(card, claim), lang))
        for claim in card.claims
        if claim.current
    ]


def verdict(claim: Claim, lang: Lang = "en") -> str:
    """The verdict on a claim, with the seeds of the look that it was given at."""
    said = say(f"verdict.{claim.verdict}", lang)
    if not claim.looks:
        return said
    key = "looks.several" if len(claim.looks) > 1 else "looks.one"
    return f"{said} ({say(key, lang, n=count(claim.n), look=len(claim.looks))})"


def _together(rows: Sequence[Row], lang: Lang) -> str:
    """The effect of a single part, or how many parts lie in their regions; and the reason of the worst."""
    if len(rows) == 1:
        shown = effect(rows[0], lang)
        return f"{shown}; {why(rows[0], lang)}" if shown else why(rows[0], lang)
    verdicts = Counter(row.verdict for row in rows)
    outside = verdicts["falls_short"] + verdicts["refuted"]
    return say("glance.parts", lang, n=len(rows), supported=verdicts["supported"], outside=outside)


def cells(row: Row, lang: Lang = "en") -> list[Cell]:
    """The cells of a row, as COLUMNS."""
    return [
        render("cell", lines=[told(row.claim, lang)], small=row.name),
        render("cell", lines=measured(row, lang)),
        effect(row, lang),
        regions(row, lang),
        render("cell", strong=say(f"verdict.{row.verdict}", lang), lines=[why(row, lang)]),
        render("cell", lines=[control(of_arm, lang) for of_arm in row.controls]),
    ]


def measured(row: Row, lang: Lang = "en") -> list[str]:
    """The measured quantity; and the change of the row."""
    changed = [say("row.version", lang, version=row.version, changed=told(row.changed, lang))] if row.changed else []
    return [told(row.measured, lang), *changed]


def regions(row: Row, lang: Lang = "en") -> str:
    """The supporting and the refuting region."""
    return say("region.both", lang, supports=_region(row.supports, lang), refutes=_region(row.refutes, lang))


def _region(stretches: Sequence[tuple[float, float]], lang: Lang) -> str:
    parts = [_stretch(low, high, lang) for low, high in stretches]
    return say("region.or", lang).join(parts) or say("region.none", lang)


def _stretch(low: float, high: float, lang: Lang) -> str:
    if math.isinf(high):
        return say("region.above", lang, end=f"{low:g}")
    if math.isinf(low):
        return say("region.below", lang, end=f"{high:g}")
    return say("region.within", lang, low=f"{low:g}", high=f"{high:g}")


def effect(row: Row, lang: Lang = "en") -> str:
    """The effect with its 95 % interval, n, and how many seeds change before, within and after a window."""
    if row.effect is None:
        return ""
    seeds = say("row.lacking" if row.lacking else "row.seeds", lang, n=row.n, lacking=row.lacking)
    parts = [_with_interval(row.effect, row.low, row.high), seeds]
    if row.ideal is not None:
        parts.append(say("row.ideal", lang, ideal=number(row.ideal)))
    if row.counts:
        sides = {"before": row.counts["before"], "inside": row.counts["in"], "after": row.counts["after"]}
        parts.append(say("row.counts", lang, **sides))
    return "; ".join(parts)


def why(row: Row, lang: Lang = "en") -> str:
    """The reason of a verdict, and how many seeds would decide the row."""
    every = [control.arm for control in row.controls]
    behind = [control.arm for control in row.controls if control.ahead_low is None or control.ahead_low <= 0] or every
    missing = told(row.untested, lang) if row.untested else because(row.missing, lang)
    reason = say(f"reason.{row.reason}", lang, missing=missing, n=row.n, arms=", ".join(behind))
    if row.needed is None:
        return reason
    if isinstance(row.needed, int):
        needed = say("needed.seeds", lang, n=count(row.needed))
    else:
        needed = say("needed.none", lang, why=because(row.needed, lang))
    return say("needed.also", lang, said=reason, needed=needed)


def _with_interval(value: float, low: float | None, high: float | None) -> str:
    shown = number(value)
    return shown if low is None or high is None else f"{shown} [{number(low)}, {number(high)}]"


def control(control: Control, lang: Lang = "en") -> str:
    """The effect of a control arm, and how far the row is ahead of it; or the reason that it has none."""
    if control.effect is None:
        return say("control.none", lang, arm=control.arm, why=because(control.missing, lang))
    value = _with_interval(control.effect, control.low, control.high)
    if control.ahead is None:
        return say("control.alone", lang, arm=control.arm, value=value)
    ahead = _with_interval(control.ahead, control.ahead_low, control.ahead_high)
    return say("control.value", lang, arm=control.arm, value=value, ahead=ahead)

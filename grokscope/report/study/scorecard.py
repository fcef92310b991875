"""The page of a scorecard: every prediction with its effect, verdict and controls, theory by theory."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grokscope.errors import Missing
from grokscope.predictions.cards import Control, Row, Scorecard
from grokscope.report.figures.sureness import sureness
from grokscope.report.page.frame import Cell, Section, Table, write_page
from grokscope.report.page.render import render
from grokscope.report.study.because import because
from grokscope.report.words import Lang, count, number, require_language, say
from grokscope.theories.base import theories

COLUMNS = ("prediction", "measured", "effect", "regions", "verdict", "controls")
GLANCE = ("prediction", "written", "changed")


def write(card: Scorecard, path: str | Path, lang: Lang = "en") -> Path:
    """Writes the page of a scorecard to a file and returns its path. lang: en or zh."""
    require_language(lang)
    return write_page(path, say("scorecard.title", lang), lead(card, lang), sections(card, lang), lang)


def lead(card: Scorecard, lang: Lang = "en") -> list[str]:
    """How many rows have each verdict, the reasons of the undecided ones, and the rule."""
    numbers = {verdict: count(n) for verdict, n in card.counts().items()}
    sentences = [say("scorecard.lead", lang, n=count(len(card.rows)), **numbers)]
    reasons = Counter(row.reason for row in card.rows if row.verdict == "undecided")
    if reasons:
        why = [say(f"undecided.{reason}", lang, n=count(n)) for reason, n in reasons.most_common()]
        sentences.append(say("scorecard.undecided", lang, reasons=("; " if lang == "en" else "；").join(why)))
    return [*sentences, say("scorecard.rule", lang)]


def sections(card: Scorecard, lang: Lang = "en") -> list[Section]:
    """The claims at a glance; then a section a theory with its figure and a table of its rows."""
    known = theories()
    of = {name: [row for row in card.rows if row.theory == name] for name in dict.fromkeys(r.theory for r in card.rows)}
    heads = [say(f"column.{column}", lang) for column in GLANCE]
    table = Table(columns=heads, rows=glance(card, lang))
    return [Section(id="claims", title=say("scorecard.glance", lang), table=table)] + [
        Section(
            id=f"theory-{name}",
            title=known[name].title[lang] if name in known else name,
            **_sureness(rows, lang),
            table=Table(
                columns=[say(f"column.{column}", lang) for column in COLUMNS], rows=[cells(row, lang) for row in rows]
            ),
        )
        for name, rows in of.items()
    ]


def glance(card: Scorecard, lang: Lang = "en") -> list[tuple[str, str, str]]:
    """Of each claim its text, and the joint verdict of its parts, as written and as changed."""
    claims: dict[tuple[str, str], list[Row]] = {}
    for row in card.rows:
        claims.setdefault((row.theory, row.id), []).append(row)
    return [
        (
            f"{rows[0].claim[lang]} ({rows[0].id})",
            _together([row for row in rows if row.version == 1], lang),
            _together([row for row in rows if row.version > 1], lang),
        )
        for rows in claims.values()
    ]


def _together(rows: Sequence[Row], lang: Lang) -> str:
    """The joint verdict, with the effect of a single part, or the number of decided parts."""
    if not rows:
        return ""
    verdicts = Counter(row.verdict for row in rows)
    if len(rows) == 1:
        what = effect(rows[0], lang) or say("glance.none", lang)
    else:
        counts = {verdict: verdicts[verdict] for verdict in ("supported", "refuted")}
        what = say("glance.parts" if any(counts.values()) else "glance.open", lang, n=len(rows), **counts)
    return say("glance.verdict", lang, verdict=say(f"verdict.{joint([row.verdict for row in rows])}", lang), what=what)


def _sureness(rows: Sequence[Row], lang: Lang) -> dict[str, Any]:
    """The figure and its caption; neither where no row was tested, so that the table is shown alone."""
    figure = sureness(rows, lang)
    return {} if isinstance(figure, Missing) else {"figure": figure, "caption": sureness.caption(lang)}


def cells(row: Row, lang: Lang = "en") -> list[Cell]:
    """The cells of a row, as COLUMNS."""
    return [
        render("cell", lines=[row.claim[lang]], small=row.name),
        render("cell", lines=measured(row, lang)),
        effect(row, lang),
        regions(row, lang),
        render("cell", strong=say(f"verdict.{row.verdict}", lang), lines=[why(row, lang)]),
        render("cell", lines=[control(of_arm, lang) for of_arm in row.controls]),
    ]


def measured(row: Row, lang: Lang = "en") -> list[str]:
    """The measured quantity; and the change of the row."""
    changed = [say("row.version", lang, version=row.version, changed=row.changed[lang])] if row.changed else []
    return [row.measured[lang], *changed]


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
    parts = [_with_interval(row.effect, row.low, row.high), say("row.seeds", lang, n=row.n)]
    if row.counts:
        sides = {"before": row.counts["before"], "inside": row.counts["in"], "after": row.counts["after"]}
        parts.append(say("row.counts", lang, **sides))
    return "; ".join(parts)


def why(row: Row, lang: Lang = "en") -> str:
    """The reason of a verdict, and how many seeds would decide the row."""
    arms = [control.arm for control in row.controls if control.shows or control.missing == NOT_RUN]
    p = "" if row.adjusted is None else number(row.adjusted)
    about = {"n": row.n, "lacking": row.lacking, "missing": because(row.missing, lang), "arms": ", ".join(arms)}
    reason = say(f"reason.{row.reason}", lang, p=p, **about)
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
    """The effect of a control arm, or the reason that it has none."""
    if control.effect is None:
        return say("control.not_run" if control.missing == NOT_RUN else "control.none", lang, arm=control.arm)
    return say("control.value", lang, arm=control.arm, value=_with_interval(control.effect, control.low, control.high))

"""The page of alarms: which quantities announce that a run will generalise."""

from pathlib import Path

from grokscope.errors import Missing
from grokscope.report.figures.alarms import alarms as figure
from grokscope.report.figures.parts.norms import interval
from grokscope.report.page.frame import Section, Table, write_page
from grokscope.report.page.render import render
from grokscope.report.study.compare import share_said
from grokscope.report.words import Lang, count, number, percent, require_language, say
from grokscope.statistics.alarms import Judged
from grokscope.statistics.intervals import Effect
from grokscope.statistics.paired import Difference
from grokscope.studies.alarms import Alarms, Quantity

COLUMNS = (
    *("quantity", "seen", "early", "false", "early", "lead", "lead_share", "auroc", "within", "remaining", "better"),
    *("holm", "against", "holm", "reads"),
)


def write_alarms(found: Alarms, path: str | Path, *, command: str, lang: Lang = "en") -> Path:
    """Writes the page to a file and returns its path. command: what makes it again."""
    require_language(lang)
    known = {"grokked": count(found.generalised), "never": count(found.never)}
    lead = [told(found, lang), say("alarms.runs", lang, **known)]
    lead += [
        say("alarms.left_out", lang, n=count(n), why=say(f"alarms.{_key(why)}", lang))
        for why, n in found.left_out.items()
    ]
    table = Table(
        columns=[say(f"alarms.{name}", lang) for name in COLUMNS], rows=[_row(one, lang) for one in found.quantities]
    )
    body = render("again", text=say("compare.again", lang), command=command)
    parts = [
        figure.section(found, lang),
        Section(id="table", title=say("alarms.table", lang), table=table, notes=_notes(found, lang)),
        Section(id="provenance", title=say("page.provenance", lang), body=body),
    ]
    return write_page(path, say("alarms.title", lang), lead, parts, lang)


def _notes(found: Alarms, lang: Lang) -> list[str]:
    """How the table was made, and what forecasts that know nothing of a network reach."""
    dummies = {name: one for name, one in found.dummies.items() if not isinstance(one, Missing)}
    said = [say("alarms.dummies", lang, **{name: interval(one, lang) for name, one in dummies.items()})]
    return [say("alarms.judged", lang), *(said if len(dummies) == 2 else [])]


def told(of: Alarms, lang: Lang) -> str:
    """One sentence: the best quantity that reads neither the end nor held-out labels."""
    for one in of.quantities:
        if isinstance(one.judged, Judged) and not (one.needs_labels or one.looks_ahead or one.trivial):
            seen, cried = (percent(share.value) for share in (one.judged.sensitivity, one.judged.false_alarms))
            lead = percent(one.judged.lead.share[0])
            return say("alarms.best", lang, name=one.name, seen=seen, false=cried, lead=lead)
    return say("alarms.none", lang)


def _key(why: str) -> str:
    return why.replace(" ", "_")


def _row(one: Quantity, lang: Lang) -> list[str]:
    reads = {"trivial": one.trivial, "ahead": one.looks_ahead, "labels": one.needs_labels}
    said = ", ".join(say(f"alarms.reads_{name}", lang) for name, holds in reads.items() if holds)
    if isinstance(one.judged, Missing):
        return [one.name, *[""] * 6, _area(one, lang), *[""] * 6, said]
    judged = one.judged
    median, low, high = judged.lead.steps
    within = "" if isinstance(one.within, Missing) else f"{number(one.within[0])} ({count(one.within[1])})"
    remaining = interval(one.remaining, lang) if isinstance(one.remaining, Effect) else ""
    lead = say("number.interval", lang, value=count(round(median)), low=count(round(low)), high=count(round(high)))
    pairs = ((judged.sensitivity, judged.early), (judged.false_alarms, judged.early_false))
    shares = [part for every, early in pairs for part in (share_said(every, lang), count(early.k))]
    told = [part for one_of in (one.better, one.against) for part in _difference(one_of, lang)]
    about = [lead, percent(judged.lead.share[0]), _area(one, lang), within, remaining]
    return [one.name, *shares, *about, *told, said]


def _difference(of: Difference | None, lang: Lang) -> list[str]:
    """The difference from the best of what everybody has, and Holm's p-value."""
    if of is None:
        return ["", ""]
    return [interval(of.effect, lang), "" if of.adjusted is None else number(of.adjusted)]


def _area(one: Quantity, lang: Lang) -> str:
    area = one.areas[0.5]
    return "" if isinstance(area, Missing) else interval(area, lang)

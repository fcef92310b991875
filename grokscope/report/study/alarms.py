"""The page of alarms: which quantities announce that a run will generalise."""

from pathlib import Path

from grokscope.errors import Missing
from grokscope.report.figures.alarms import alarms as figure
from grokscope.report.figures.alarms import told
from grokscope.report.page.frame import Section, Table, write_page
from grokscope.report.page.render import render
from grokscope.report.words import Lang, count, number, percent, require_language, say
from grokscope.statistics.contrasts import Share
from grokscope.statistics.intervals import Effect
from grokscope.studies.alarms import Alarms, Quantity

COLUMNS = ("quantity", "seen", "false", "lead", "lead_share", "auroc", "within", "against", "reads")


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
        Section(id="table", title=say("alarms.table", lang), table=table, notes=[say("alarms.judged", lang)]),
        Section(id="provenance", title=say("page.provenance", lang), body=body),
    ]
    return write_page(path, say("alarms.title", lang), lead, parts, lang)


def _key(why: str) -> str:
    return why.replace(" ", "_")


def _row(one: Quantity, lang: Lang) -> list[str]:
    reads = {"trivial": one.trivial, "ahead": one.looks_ahead, "labels": one.needs_labels}
    said = ", ".join(say(f"alarms.reads_{name}", lang) for name, holds in reads.items() if holds)
    if isinstance(one.judged, Missing):
        return [one.name, "", "", "", "", _effect(one.areas[0.5]), "", "", said]
    judged = one.judged
    median, low, high = judged.lead.steps
    within = "" if isinstance(one.within, Missing) else f"{number(one.within[0])} ({count(one.within[1])})"
    against = "" if one.against is None else _effect(one.against)
    lead = say("number.interval", lang, value=count(round(median)), low=count(round(low)), high=count(round(high)))
    shares = [_share(part, lang) for part in (judged.sensitivity, judged.false_alarms)]
    return [one.name, *shares, lead, percent(judged.lead.share[0]), _effect(one.areas[0.5]), within, against, said]


def _share(of: Share, lang: Lang) -> str:
    ends = {"low": percent(of.low), "high": percent(of.high)}
    return say("compare.share", lang, k=count(of.k), n=count(of.n), **ends)


def _effect(of: Effect | Missing) -> str:
    if isinstance(of, Missing):
        return ""
    if isinstance(of.low, Missing) or isinstance(of.high, Missing):
        return number(of.value)
    return f"{number(of.value)} [{number(of.low)}, {number(of.high)}]"

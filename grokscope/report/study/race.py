"""The page of a race: who arrives sooner than tuned AdamW, how surely, at what cost, and what papers compared with."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from grokscope.errors import Missing
from grokscope.registry import names
from grokscope.report.figures.parts.norms import interval
from grokscope.report.figures.ratios import Ratios, ratios
from grokscope.report.figures.survival import survival
from grokscope.report.page.frame import Section, Table, write_page
from grokscope.report.page.render import render
from grokscope.report.study.compare import share_said
from grokscope.report.words import Lang, count, number, percent, require_language, say, told, with_interval
from grokscope.studies.race.base import SETTINGS, Method, settings
from grokscope.studies.race.claims import Claim, claims
from grokscope.studies.race.results import Result
from grokscope.studies.race.standing import Race, Standing, pairs_of, races
from grokscope.studies.race.tuning import over_grid

TIMES = ("arm", "cell", "arrived", "mean", "median", "delay", "over_grid")
AGAINST = ("arm", "ratio", "p_holm", "hazard", "log_rank", "proportional", "open")
AFTER = ("arm", "fell", "below", "collapse", "final", "diverged")
PAPERS = ("method", "as_published", "against_what", "tuned", "reproduced", "against_tuned", "verdict", "guess")


def write_race(
    rows: Sequence[Result], methods: Mapping[str, Method], path: str | Path, *, command: str, lang: Lang = "en"
) -> Path:
    """Writes the page to a file and returns its path. command: what makes it again."""
    require_language(lang)
    found = {name: one for name, one in races(rows).items() if not isinstance(one, Missing)}
    lead = [leading(one, lang) for one in found.values()] or [say("missing.race", lang)]
    parts = [part for one in found.values() for part in _setting(one, rows, methods, lang)]
    parts += [_papers(found, methods, lang)] if found else []
    body = render("again", text=say("compare.again", lang), command=command)
    origin = Section(id="provenance", title=say("page.provenance", lang), body=body)
    return write_page(path, say("race.title", lang), lead, [*parts, origin], lang)


def leading(race: Race, lang: Lang) -> str:
    """One sentence: how many arms are sooner and later than the reference beyond doubt, and the soonest of these."""
    compared = [one for one in race.standings if one.against is not None]
    sooner = [one for one in compared if one.against is not None and one.against.ends[0] > 1]
    later = [one for one in compared if one.against is not None and one.against.ends[1] < 1]
    known = {"setting": title(race.setting, lang), "reference": race.reference, "arms": count(len(compared))}
    text = say("race.lead", lang, **known, sooner=count(len(sooner)), later=count(len(later)))
    if sooner:
        best = max(sooner, key=lambda one: one.against.ends[0] if one.against else 0.0)
        text += say("race.best", lang, arm=best.arm, ratio=_ratio(best))
    return text


def title(setting: str, lang: Lang) -> str:
    """What a setting is called; its id where this process does not know it."""
    known = {one.id: one for one in settings()} if setting in names(SETTINGS) else {}
    return told(known[setting].title, lang) if setting in known else setting


def _setting(race: Race, rows: Sequence[Result], methods: Mapping[str, Method], lang: Lang) -> Iterator[Section]:
    own = [row for row in rows if row.setting == race.setting]
    doubts = [say(f"race.doubt_{name}", lang, reference=race.reference) for name in race.doubts]
    first = [one for one in race.standings if one.goal != "steady"]
    named = title(race.setting, lang)
    yield survival.section(
        {one.arm: one.curve for one in first}, lang, id=f"survival-{race.setting}",
        title=say("sweep.at", lang, title=survival.title(lang), rest=named), notes=doubts,
    )  # fmt: skip
    yield ratios.section(
        _drawn(race, methods), lang, id=f"ratios-{race.setting}",
        title=say("sweep.at", lang, title=ratios.title(lang), rest=named), notes=[say("race.paired", lang)],
    )  # fmt: skip
    for name, columns, of in (
        ("times", TIMES, lambda one: _times(one, own, lang)),
        ("against", AGAINST, lambda one: _against(one, lang)),
        ("after", AFTER, lambda one: _after(one, lang)),
    ):
        cells = [[one.arm, *of(one)] for one in race.standings if name != "against" or one.against is not None]
        table = Table(columns=[say(f"race.{column}", lang) for column in columns], rows=cells).filled
        notes = [say(f"race.{name}_note", lang)]
        yield Section(id=f"{name}-{race.setting}", title=say(f"race.{name}_title", lang), table=table, notes=notes)
    if race.leaks:
        yield _leaks(race, lang)


def _drawn(race: Race, methods: Mapping[str, Method]) -> dict[str, Ratios]:
    reference = race.arm(race.reference)
    assert reference is not None
    drawn = {}
    for one in race.standings:
        if one.against is None or one.goal == "steady":
            continue
        pairs, method = pairs_of(one.rows, reference.rows), methods.get(one.method)
        if isinstance(pairs, Missing):
            continue
        published = None if method is None or method.published is None else method.published.times
        each = list(zip(pairs.low.tolist(), pairs.high.tolist(), strict=True))
        drawn[one.arm] = Ratios(pairs=each, median=one.against.ratio.bounds, ends=one.against.ends, published=published)
    return drawn


def _times(one: Standing, rows: Sequence[Result], lang: Lang) -> list[str]:
    cell = ", ".join(f"{name} {_value(value)}" for name, value in one.rows[0].changes.items())
    grid = over_grid([row for row in rows if row.part == "tuning" and row.method == one.method])
    middle = one.curve.median
    median = "" if middle.value is None else with_interval(middle.value, middle.low, middle.high)
    return [
        cell,
        share_said(one.arrived, lang),
        interval(one.mean, lang, lambda value: count(round(value))),
        median,
        "" if one.delay is None else count(round(one.delay)),
        "" if isinstance(grid, Missing) or one.goal == "steady" else count(round(grid)),
    ]


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else " ".join(value) if isinstance(value, list) else str(value)


def _against(one: Standing, lang: Lang) -> list[str]:
    seen = one.against
    assert seen is not None
    hazard = seen.hazard
    ratio_of = "" if isinstance(hazard, Missing) else with_interval(hazard.value, hazard.low, hazard.high)
    return [
        _ratio(one),
        number(seen.adjusted),
        ratio_of,
        *("" if isinstance(p, Missing) else number(p) for p in (seen.log_rank, seen.proportional)),
        say("race.of", lang, k=count(seen.ratio.open), n=count(seen.ratio.n)),
    ]


def _ratio(one: Standing) -> str:
    """The median, or between what it lies, and the interval at Holm's level."""
    assert one.against is not None
    (low, high), ends = one.against.ratio.bounds, one.against.ends
    return f"{number(low)}{'' if low == high else f'–{number(high)}'} [{number(ends[0])}, {number(ends[1])}]"


def _after(one: Standing, lang: Lang) -> list[str]:
    return [
        "" if isinstance(one.fell, Missing) else share_said(one.fell, lang),
        "" if one.below is None else percent(one.below),
        "" if one.collapse is None else count(round(one.collapse)),
        number(one.final),
        count(one.diverged) if one.diverged else "",
    ]


def _leaks(race: Race, lang: Lang) -> Section:
    controls = list(dict.fromkeys(control for control, _ in race.leaks))
    arms = list(dict.fromkeys(method for _, method in race.leaks))
    cells = [
        [arm, *(share_said(share, lang) if (share := race.leaks.get((control, arm))) else "" for control in controls)]
        for arm in arms
    ]
    heads = [say("race.arm", lang), *(_control(control, lang) for control in controls)]
    table = Table(columns=heads, rows=cells)
    notes = [say("race.leaks_note", lang)]
    return Section(id=f"leaks-{race.setting}", title=say("race.leaks_title", lang), table=table, notes=notes)


def _control(name: str, lang: Lang) -> str:
    known = {"random labels": "random", "too few data": "few", "no decay": "no_decay"}
    return say(f"race.control_{known[name]}", lang) if name in known else name


def _papers(found: Mapping[str, Race], methods: Mapping[str, Method], lang: Lang) -> Section:
    """What each paper compared with, and what is left, in separate columns."""
    own = {one.id: one for one in settings()}
    common = next((race for name, race in found.items() if name in own and own[name].rates), None)
    judged = {} if common is None else {(one.method, one.kind): one for one in claims(common, methods)}
    again = {
        method: race.arm(arm)
        for name, race in found.items()
        if name in own
        for method, arm in own[name].of_method.items()
    }
    rows = []
    for name, method in methods.items():
        if method.published is None and (name, "guessed") not in judged:
            continue
        said, one = method.published, None if common is None else common.arm(name)
        rows.append([
            method.title,
            "" if said is None else _times_said(said.times, lang),
            "" if said is None else f"{told(said.baseline, lang)}; {told(said.setting, lang)}",
            "" if said is None else told(said.tuned, lang),
            _ratio_of(again.get(name)) or say("race.not_run", lang),
            _ratio_of(one),
            *(_verdict(judged.get((name, kind)), lang) for kind in ("published", "guessed")),
        ])  # fmt: skip
    oracles = [f"{method.title}: {told(method.oracle, lang)}" for method in methods.values() if method.oracle]
    table = Table(columns=[say(f"race.{column}", lang) for column in PAPERS], rows=rows)
    notes = [say("race.papers_note", lang), *oracles]
    return Section(id="papers", title=say("race.papers_title", lang), table=table, notes=notes)


def _ratio_of(one: Standing | None) -> str:
    return "" if one is None or one.against is None else _ratio(one)


def _times_said(times: float | None, lang: Lang) -> str:
    return say("race.no_factor", lang) if times is None else f"×{times:g}"


def _verdict(claim: Claim | None, lang: Lang) -> str:
    if claim is None:
        return ""
    ((low, high),) = claim.region.parts
    region = say("race.region", lang, low=number(max(low, 0.0)), high=number(high))
    return f"{region}: {say(f'race.said_{claim.said}', lang)}"

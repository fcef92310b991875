"""What a page says of a claim and of its rows, in words: verdict, effect, regions, controls, reasons, looks."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal, TypeAlias

from markupsafe import Markup

from grokscope.predictions.cards import Claim, Control, Row, Scorecard, Verdict
from grokscope.report.page.render import render
from grokscope.report.study.because import because
from grokscope.report.words import Lang, count, number, part_name, say, told, with_interval

# A verdict, or "open" of a claim that waits for its first look.
State: TypeAlias = Verdict | Literal["open"]
BETWEEN: dict[Lang, str] = {"en": "; ", "zh": "；"}
LISTED: dict[Lang, str] = {"en": ", ", "zh": "、"}


def rows_of(card: Scorecard, claim: Claim) -> list[Row]:
    """The rows of a claim."""
    return [row for row in card.rows if row.theory == claim.theory and row.name in claim.parts]


def present(card: Scorecard, theory: str | None = None) -> list[Claim]:
    """The claims in their present wording, of a theory or of all."""
    return [claim for claim in card.claims if claim.current and theory in (None, claim.theory)]


def state(card: Scorecard, claim: Claim) -> State:
    """The verdict; "open" where looks are planned and the first has not been taken."""
    if claim.looks or not card.looks or any(row.untested for row in rows_of(card, claim)):
        return claim.verdict
    return "open"


def state_of_row(card: Scorecard, row: Row) -> State:
    """The verdict of a row; "open" where its claim waits for its first look."""
    of = next(claim for claim in card.claims if claim.theory == row.theory and row.name in claim.parts)
    return "open" if state(card, of) == "open" else row.verdict


def verdict(card: Scorecard, claim: Claim, lang: Lang = "en") -> str:
    """The verdict on a claim, with the seeds of the look that it was given at."""
    said = say(f"verdict.{state(card, claim)}", lang)
    if not claim.looks:
        return said
    key = "looks.several" if len(claim.looks) > 1 else "looks.one"
    return say(key, lang, verdict=said, n=count(claim.n), look=len(claim.looks))


def standing(card: Scorecard, claim: Claim, lang: Lang = "en") -> Markup:
    """The verdict, and what it rests on or what it waits for, in a paragraph."""
    said = render("strong", text=verdict(card, claim, lang))
    return Markup(say("standing.line", lang, verdict=said, text=_rests_on(card, claim, lang)))


def _rests_on(card: Scorecard, claim: Claim, lang: Lang) -> str:
    rows, found = rows_of(card, claim), state(card, claim)
    if found == "open":
        return _awaited(card, claim, lang)
    if found == "not_tested":
        untested = [row for row in rows if row.reason == claim.reason]
        return why(untested[0], lang) if untested else because(claim.missing, lang)
    if found == "supported":
        return say("standing.controlled" if any(row.controls for row in rows) else "standing.inside", lang)
    worst = [row for row in rows if row.verdict == claim.verdict]
    named = say("standing.every", lang) if len(worst) == len(rows) > 1 else parts_of(worst, lang)
    if found != "undecided":
        key = "standing.control" if all(row.reason == "control" for row in worst) else "standing.outside"
        return say(key, lang, parts=named)
    later = [size for size in card.looks if size > claim.n]
    if later:
        return say("standing.next", lang, parts=named, n=count(later[0]))
    return say("standing.bound" if card.looks else "standing.undecided", lang, parts=named)


def parts_of(rows: Sequence[Row], lang: Lang) -> str:
    """The names of the parts of some rows."""
    return ", ".join(f"“{name}”" for name in dict.fromkeys(part_name(row.part or row.id, lang) for row in rows))


def _awaited(card: Scorecard, claim: Claim, lang: Lang) -> str:
    """How many seeds the first look needs of each arm, and how many stand there."""
    least, most = min(claim.seeds.values(), default=0), max(claim.seeds.values(), default=0)
    fewest = next((arm for arm, n in claim.seeds.items() if n == least), "")
    key = "standing.none" if not most else "standing.alike" if least == most else "standing.some"
    return say(key, lang, n=count(card.looks[0]), least=count(least), most=count(most), fewest=fewest)


def awaited(card: Scorecard, claim: Claim) -> str:
    """The seeds of the arm that has the fewest, of those that the first look needs."""
    return f"{count(min(claim.seeds.values(), default=0))} / {count(card.looks[0])}"


_SORTS = ("inside", "outside", "control", "between", "unanswered")


def together(card: Scorecard, claim: Claim, lang: Lang = "en") -> str:
    """The effect of a single part and its reason; of several, how many have which reason, and the seeds that would
    decide those whose intervals cross an edge."""
    rows = rows_of(card, claim)
    if state(card, claim) == "open":
        return _awaited(card, claim, lang)
    if len(rows) == 1:
        shown = effect(rows[0], lang)
        return say("glance.effect", lang, effect=shown, why=why(rows[0], lang)) if shown else why(rows[0], lang)
    sorts = Counter(row.reason if row.reason in _SORTS else "unanswered" for row in rows)
    counted = LISTED[lang].join(say(f"glance.{sort}", lang, n=sorts[sort]) for sort in _SORTS if sorts[sort])
    parts = [say("glance.parts", lang, n=len(rows), parts=counted)]
    if seeds := [row.needed for row in rows if isinstance(row.needed, int)]:
        key = "needed.seeds" if len(seeds) == sorts["between"] else "glance.least"
        parts.append(say(key, lang, n=count(max(seeds))))
    return joined(parts, lang)


def measured(row: Row, lang: Lang = "en") -> list[str]:
    """The measured quantity; and the change of the row."""
    changed = [say("row.version", lang, version=row.version, changed=told(row.changed, lang))] if row.changed else []
    return [told(row.measured, lang), *changed]


def regions(row: Row, lang: Lang = "en") -> str:
    """The supporting and the refuting region."""
    return say("region.both", lang, supports=region(row.supports, lang), refutes=region(row.refutes, lang))


def region(stretches: Sequence[tuple[float, float]], lang: Lang) -> str:
    """A region in words."""
    parts = [_stretch(low, high, lang) for low, high in stretches]
    return say("region.or", lang).join(parts) or say("region.none", lang)


def _stretch(low: float, high: float, lang: Lang) -> str:
    if math.isinf(high):
        return say("region.above", lang, end=f"{low:.4g}")
    if math.isinf(low):
        return say("region.below", lang, end=f"{high:.4g}")
    return say("region.within", lang, low=f"{low:.4g}", high=f"{high:.4g}")


def effect(row: Row, lang: Lang = "en") -> str:
    """The effect with its 95 % interval, n, what ideal networks have, and how many seeds change before, within and
    after a window."""
    if row.effect is None:
        return ""
    parts = [with_interval(row.effect, row.low, row.high), seeds(row, lang), *ideals(row, lang)]
    if row.counts:
        sides = {"before": row.counts["before"], "inside": row.counts["in"], "after": row.counts["after"]}
        parts.append(say("row.counts", lang, **sides))
    return joined(parts, lang)


def joined(parts: Sequence[str], lang: Lang) -> str:
    """Parts of a sentence; markup where one of them is."""
    between = BETWEEN[lang]
    return (Markup(between) if any(isinstance(part, Markup) for part in parts) else between).join(parts)


def seeds(row: Row, lang: Lang = "en") -> str:
    """How many seeds have an answer, and how many have none."""
    return say("row.lacking" if row.lacking else "row.seeds", lang, n=row.n, lacking=row.lacking)


def ideals(row: Row, lang: Lang = "en") -> list[str]:
    """What an ideal network would score, and what an ideal clock has in the place of each network."""
    parts = [] if row.ideal is None else [say("row.ideal", lang, ideal=number(row.ideal))]
    clock = row.clock
    if clock is not None and clock.effect is None:
        parts.append(say("row.no_clock", lang, why=because(clock.missing, lang)))
    elif clock is not None and clock.effect is not None:
        parts.append(say("row.clock", lang, value=with_interval(clock.effect, clock.low, clock.high)))
    return parts


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


def control(control: Control, lang: Lang = "en") -> str:
    """The effect of a control arm, and how far the row is ahead of it; or the reason that it has none."""
    if control.effect is None:
        return say("control.none", lang, arm=control.arm, why=because(control.missing, lang))
    value = with_interval(control.effect, control.low, control.high)
    if control.ahead is None:
        return say("control.alone", lang, arm=control.arm, value=value)
    return say("control.value", lang, arm=control.arm, value=value, ahead=ahead(control))


def ahead(control: Control) -> str:
    """How far the row is ahead of a control; empty where that is not known."""
    return "" if control.ahead is None else with_interval(control.ahead, control.ahead_low, control.ahead_high)

"""From runs to verdicts: each claim is decided by all of its parts and controls together, at looks at growing seeds.

A part is one effect with its interval, a supporting region S and perhaps a refuting one R. A control makes another part
of the same claim: how far the effect is ahead of the control's, which must lie above 0. With k parts, at a level a:

    supported      every part lies in S, each at level a (intersection-union: no correction over parts)
    falls short    some part lies outside S at level a / k
    refuted        it falls short, and that part's interval at level a / k lies in R
    undecided      none of these
    not tested     what would test it was not run, or cannot be: never "refuted"

Support and fall are two cuts of which one alone can be false, so that both have the level a. `Looks` divides the level
of a theory among the looks, and Holm each look's among the claims that are open, whether or not they have their seeds
yet; what is decided stays decided. Rows as first written are judged the same way, as claims of their own that cost the
present ones nothing.

Sources: Berger 1982, Technometrics 24, 295 (intersection-union); Holm 1979, Scand. J. Statist. 6, 65.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grokscope.errors import Missing
from grokscope.predictions.arms import Arms
from grokscope.predictions.base import UNTRAINED, Given, Prediction, Sample, Theory
from grokscope.predictions.cards import Claim, Control, Look, Reason, Row, Verdict
from grokscope.predictions.evidence import (
    AHEAD,
    Evidence,
    contrast,
    evidence,
    inside,
    of_all_seeds,
    of_whole,
    outside,
    told,
)
from grokscope.predictions.subject import Subject
from grokscope.statistics.looks import LEVEL, Looks
from grokscope.statistics.multiplicity import holm, holm_levels

SHOWN = 0.95  # level of the intervals that are shown
CLOCK = "like=clock"  # as views name an ideal clock in the place of a network


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one row says at one look: its evidence, that of each control, and that of each contrast with one."""

    row: Prediction
    given: Given
    seen: Evidence | Missing
    controls: Mapping[str, Evidence | Missing]
    ahead: Mapping[str, Evidence | Missing]

    @property
    def supports(self) -> float:
        """p of the effect lying in S and ahead of every control; 1 where one of them has no answer."""
        return max(inside(self.seen, self.row.supports), *(inside(one, AHEAD) for one in self.ahead.values()), 0.0)

    @property
    def falls(self) -> float:
        """The smallest p of the effect lying outside S, or behind a control; not corrected for their number."""
        return min(outside(self.seen, self.row.supports), *(outside(one, AHEAD) for one in self.ahead.values()), 1.0)

    @property
    def number(self) -> int:
        """How many tests it is: one and its controls."""
        return 1 + len(self.ahead)


@dataclass
class Open:
    """A claim while it is judged: its looks so far, and its parts at the last one."""

    rows: list[Prediction]
    current: bool
    looks: list[Look] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    decided: bool = False

    @property
    def testable(self) -> bool:
        """Whether no part of it is one that cannot be tested here."""
        return not any(row.untested for row in self.rows)

    @property
    def level(self) -> float:
        """The level at the last look; 0 before the first, and for what nothing can test."""
        return self.looks[-1].level if self.looks else 0.0

    @property
    def number(self) -> int:
        """k: how many parts it has, contrasts with controls among them."""
        return sum(part.number for part in self.parts)


def judged(theory: Theory, arms: Arms[Subject], looks: Looks | None = None) -> tuple[list[Claim], list[Row]]:
    """The claims of one theory, and its rows in the order of its predictions.

    looks: by default one at whatever seeds there are. A look of several is taken at a claim once every arm that the
    claim reads has its seeds; a seed of the look that has no run counts as one without an answer. So that no later look
    takes a decision back, a claim that waits for seeds counts in Holm's correction as if its p were 1.
    """
    open_claims = list(claims(theory))
    for current in (True, False):
        family = [one for one in open_claims if one.current == current]
        if looks is None:
            there = [one for one in family if not _absent(one, arms)]
            _look(there, arms, max((len(arm) for arm in arms.values()), default=0), LEVEL)
            continue
        for size, level in zip(looks.sizes, looks.levels, strict=True):
            seeds = looks.seeds(size)
            here = arms.having(lambda arm, seeds=seeds: [run for run in arm if run.config.seed in seeds])
            still = [one for one in family if not one.decided and one.testable]
            ready = [one for one in still if size in _taken(one, arms, looks)]
            _look(ready, here, size, level, waiting=len(still) - len(ready), seeds=seeds)
    found = {id(row): _row(theory.id, row, one, arms) for one in open_claims for row in one.rows}
    rows = [found[id(row)] for row in theory.predictions]
    return [_claim(theory.id, one, [found[id(row)] for row in one.rows], arms) for one in open_claims], rows


def claims(theory: Theory) -> Iterator[Open]:
    """The claims of a theory by their present wording; then those by earlier wordings."""
    by_id: dict[str, list[Prediction]] = {}
    for row in theory.predictions:
        by_id.setdefault(row.id, []).append(row)
    earlier: dict[tuple[str, int], list[Prediction]] = {}
    for id_, rows in by_id.items():
        newest = {row.part: row for row in sorted(rows, key=lambda row: row.version)}
        last = max(row.version for row in rows)
        kept = [row for row in rows if row is newest[row.part] and (row.until is None or row.until >= last)]
        if kept:
            yield Open(rows=kept, current=True)
        for row in rows:
            if row not in kept:
                earlier.setdefault((id_, row.version), []).append(row)
    yield from (Open(rows=rows, current=False) for rows in earlier.values())


def _taken(one: Open, arms: Arms[Subject], looks: Looks) -> tuple[int, ...]:
    """The looks that every arm of a claim allows."""
    if _absent(one, arms):
        return ()
    needed = [arm for row in one.rows for arm in arms.values() if row.looks_at(arm)]
    allowed = [looks.taken([run.config.seed for run in arm]) for arm in needed]
    return min(allowed, key=len, default=())


def _absent(one: Open, arms: Arms[Subject]) -> list[str]:
    """The arms that a claim needs and that have no run."""
    return [arm for arm in dict.fromkeys(arm for row in one.rows for arm in row.arms) if not arms.get(arm)]


def _look(
    ready: Sequence[Open],
    arms: Arms[Subject],
    size: int,
    level: float,
    *,
    waiting: int = 0,
    seeds: Iterable[int] = (),
) -> None:
    """Tests the claims that are open, at the level of this look, and marks those that it decides. waiting: other open
    claims of the family. seeds: of the look."""
    for one in ready:
        one.parts = [_part(row, arms, seeds) for row in one.rows]
    tested = [one for one in ready if one.testable]
    supports = [max(part.supports for part in one.parts) for one in tested]
    falls = [min(1.0, one.number * min(part.falls for part in one.parts)) for one in tested]
    smaller = [min(pair) for pair in zip(supports, falls, strict=True)] + [1.0] * waiting
    adjusted, levels = (each[: len(tested)] for each in (holm(smaller), holm_levels(smaller, level)))
    for one, p, q, corrected, own in zip(tested, supports, falls, adjusted, levels, strict=True):
        one.looks.append(Look(n=size, supports=p, falls=q, level=own))
        one.decided = corrected <= level


def _part(row: Prediction, arms: Arms[Subject], seeds: Iterable[int]) -> Part:
    given = row.answers(arms)
    own = of_all_seeds(row.statistic(given), seeds)
    controls = {arm: of_all_seeds(_of_control(row, arm, given), seeds) for arm in row.controls}
    return Part(
        row=row,
        given=given,
        seen=of_whole(own, filter(row.looks_at, arms.values()), seeds),
        controls={arm: evidence(sample) for arm, sample in controls.items()},
        ahead={arm: contrast(own, sample, row.supports) for arm, sample in controls.items()},
    )


def _of_control(row: Prediction, arm: str, given: Given) -> Sample | Missing:
    return row.controls[arm](given) if given.get(arm) else Missing(f"no run of the arm {arm}")


def _claim(theory: str, one: Open, rows: Sequence[Row], arms: Arms[Subject]) -> Claim:
    verdict, reason = _joint(rows)
    named = (arm for row in one.rows for arm in (*row.arms, *row.controls) if arm != UNTRAINED)
    return Claim(
        theory=theory,
        id=rows[0].id,
        version=max(row.version for row in rows),
        current=one.current,
        claim=rows[0].claim,
        verdict=verdict,
        reason=reason,
        missing=next((row.missing for row in rows if row.reason == reason and row.missing), ""),
        n=one.looks[-1].n if one.looks else 0,
        looks=tuple(one.looks),
        parts=tuple(row.name for row in rows),
        seeds=arms.counted(named, (family for row in one.rows for family in row.along)),
    )


def _joint(rows: Sequence[Row]) -> tuple[Verdict, Reason]:
    """The verdict on a claim: what its worst part says."""
    order: tuple[Verdict, ...] = ("refuted", "falls_short", "not_tested", "undecided", "supported")
    if any(row.verdict == "not_tested" for row in rows):
        order = ("not_tested", *order)
    worst = min(rows, key=lambda row: order.index(row.verdict))
    return worst.verdict, worst.reason


def _row(theory: str, row: Prediction, one: Open, arms: Arms[Subject]) -> Row:
    about: dict[str, Any] = {
        "theory": theory,
        "id": row.id,
        "part": row.part,
        "version": row.version,
        "current": one.current,
        "claim": dict(row.claim),
        "measured": dict(row.measured),
        "changed": dict(row.changed) if row.changed else None,
        "untested": dict(row.untested) if row.untested else None,
        "ideal": row.ideal,
        "arms": row.arms,
        "along": row.along,
        "measures": row.measures,
        "supports": row.supports.parts,
        "refutes": row.refutes.parts,
    }
    part = next((part for part in one.parts if part.row is row), None)
    if part is None:
        return Row(**about, verdict="not_tested", **_not_run(row, one, arms))
    if row.counts:
        about["counts"] = dict(row.counts(part.given))
    about["controls"] = tuple(_control(part, arm) for arm in row.controls)
    about["clock"] = None if row.clock is None else Control(arm=CLOCK, **told(evidence(row.clock(part.given)), SHOWN))
    verdict, reason = _decided(part, one)
    seen, fields = part.seen, told(part.seen, SHOWN)
    if row.untested:
        fields["missing"] = row.untested["en"]
    if isinstance(seen, Missing):
        return Row(**about, **fields, verdict=verdict, reason=reason)
    needed = seen.decides(row.supports, one.level) if (verdict, reason) == ("undecided", "between") else None
    fields |= {"lacking": seen.lacking, "p": part.supports, "needed": needed}
    return Row(**about, **fields, verdict=verdict, reason=reason)


def _not_run(row: Prediction, one: Open, arms: Arms[Subject]) -> dict[str, Any]:
    if row.untested:
        return {"reason": "untested", "missing": row.untested["en"]}
    absent = _absent(one, arms)
    if not absent:
        return {"reason": "few", "missing": "its arms have fewer seeds than the first look"}
    return {"reason": "not_run", "missing": f"no run of the arm {', '.join(absent)}"}


def _decided(part: Part, one: Open) -> tuple[Verdict, Reason]:
    """What one part says, at the level of its claim's last look."""
    if part.row.untested:
        return "not_tested", "untested"
    level = one.level
    if one.decided and one.number * part.falls <= level:
        if one.number * outside(part.seen, part.row.supports) > level:
            return "falls_short", "control"
        assert not isinstance(part.seen, Missing), "what has no answer falls nowhere"
        far = part.seen.lies_in(part.row.refutes, level / one.number, supports=part.row.supports)
        return ("refuted" if far else "falls_short"), "outside"
    if one.decided and part.supports <= level:
        return "supported", "inside"
    return "undecided", _open(part, level)


def _open(part: Part, level: float) -> Reason:
    if isinstance(part.seen, Missing):
        return "no_answer"
    if part.seen.intervals is None:
        return "few"
    if any(isinstance(one, Missing) for one in part.ahead.values()):
        return "no_control"
    if part.seen.inside(part.row.supports) <= level and part.ahead:
        return "control"
    return "between"


def _control(part: Part, arm: str) -> Control:
    about: dict[str, Any] = {"arm": arm} | told(part.controls[arm], SHOWN)
    ahead = part.ahead[arm]
    if isinstance(ahead, Missing):
        about["missing"] = about.get("missing") or ahead.reason
    else:
        low, high = ahead.shown(SHOWN)
        about |= {"ahead": ahead.value, "ahead_low": low, "ahead_high": high}
    return Control(**about)

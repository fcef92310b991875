"""A study that goes on until its claims are decided: it trains what the next look needs, judges, and drops the rest.

At each look every arm that an open claim reads gets the look's seeds; the claims that cost least are trained first, so
that an hour decides as many as it can. Arms that no open claim needs keep the seeds they have. All of it follows from
the runs in the store: the same command again goes on, and does nothing twice. With a ledger it goes on from that too:
seeds whose readings stand there are not trained again, wherever their runs are, and the new ones are added to it.
"""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError
from grokscope.predictions.arms import BASE, Arm, Arms, runs_of
from grokscope.predictions.base import Prediction
from grokscope.predictions.cards import Claim, Scorecard
from grokscope.predictions.families import Follows, placed
from grokscope.predictions.scales import Scale
from grokscope.predictions.verdict import claims
from grokscope.runs.config import RunConfig
from grokscope.statistics.looks import Looks
from grokscope.studies import arms as studies
from grokscope.studies.conduct import carried_out, division, first_failure
from grokscope.studies.estimate import estimate
from grokscope.studies.judging import judge, ledger_of
from grokscope.studies.known import Known
from grokscope.studies.packing import soonest_end, work_of
from grokscope.studies.plan import Plan, Planned, plan
from grokscope.theories.base import families

Say = Callable[[str], None]
Name = tuple[str, str]  # the theory and the id of a claim


@dataclass
class Deciding:
    """A study of a name at a scale, judged at looks. conditions: of `carried_out`. until: when the budget ends, on
    the clock of time.monotonic. evidence: a ledger that knows seeds already, and grows; StoreError where it has other
    looks or definitions."""

    name: str
    scale: Scale
    store: Path
    looks: Looks
    device: str = "cpu"
    until: float = float("inf")
    evidence: Path | None = None
    conditions: Mapping[str, Any] = field(default_factory=dict)
    say: Say = lambda line: print(line, file=sys.stderr, flush=True)

    def __post_init__(self) -> None:
        last = self.looks.sizes[-1]
        self.every = studies.arms(self.name, self.scale, last, first=self.looks.first)
        # The rows of each present claim that something could test.
        self.open: dict[Name, list[Prediction]] = {
            (theory.id, claim.rows[0].id): claim.rows
            for theory in studies.theories_of(self.name)
            for claim in claims(theory)
            if claim.current and not any(row.untested for row in claim.rows)
        }
        self.seeds: dict[str, int] = {}
        self.left: list[Planned] = []  # what other shares have to do before the next look
        self.known = Known.read(self.evidence, self.looks, studies.theories_of(self.name))
        if self.known.ledger is not None:
            self._drop_decided(self._judged(None))
        # Families that go on from trained weights -> the name of the arm that they continue.
        every = placed(self.every, families(), lambda config: config)
        sources = {family: [*every.along(family.of).values()] for family in studies.followers(self.name)}
        self.continued = {family: arms[-1].name for family, arms in sources.items() if arms}

    def run(self) -> tuple[Plan | None, Scorecard | None]:
        """Trains and judges to the last look, to the end of the budget, or until every claim is decided; the plan of
        all arms that were trained, if any was, and the scorecard. A share that others are not done with stops before
        the look, and the same command goes on. GrokscopeError where a pack fails."""
        made = card = None
        for size in self.looks.sizes:
            new = self._trained(size)
            made = new or made
            if self.left:
                return made, None
            card = self._judged(new)
            self._close(card, size)
            if not self.open or time.monotonic() >= self.until:
                return made, card
        return made, card

    def cost(self) -> list[tuple[int, float, float]]:
        """Of each look, if no claim is decided before it: seeds, core-hours that it adds, and all up to it."""
        rows, total, hours = [], 0.0, 0.0
        for size in self.looks.sizes:
            self._grow(size)
            if wanted := self._wanted():
                made = self._plan(wanted)
                slots, threads = division(made, self.conditions.get("workers"))
                hours = estimate(made, slots=slots, threads=threads).machine_seconds * threads / 3600
            rows.append((size, hours - total, hours))
            total = hours
        return rows

    def _trained(self, size: int) -> Plan | None:
        """The plan of a look, carried out; arms that go on from trained weights come after these. None where the ledger
        has all of it."""
        self._grow(size)
        wanted = self._wanted()
        made = self._carried_out(wanted) if wanted else None
        if made and not self.left and time.monotonic() < self.until:
            runs, folder = made.study.runs(), made.study.folder / "weights"
            sources = ((family, Arms([runs[name]])) for family, name in self.continued.items() if name in runs)
            more = [arm for family, source in sources for arm in family.arms(source, folder)]
            if needed := [arm for arm in map(self.known.lacking, more) if len(arm) and self._needs(arm)]:
                made = self._carried_out(wanted.with_arms(*needed))
        return made

    def _judged(self, made: Plan | None) -> Scorecard:
        """The verdicts by all readings there are; the ledger has them from here on."""
        theory = None if self.name == studies.ALL else self.name
        trained = None if made is None or not runs_of(made.study.runs()) else made.study
        if trained is not None and self.evidence is not None:
            self.known = self.known.having(ledger_of(trained))
            self.known.save(self.evidence)
        if self.evidence is not None and self.known.ledger is not None:
            return judge(self.evidence, theory)
        if trained is None:
            raise GrokscopeError("no run has ended within the budget; the same command goes on")
        return judge(trained, theory)

    def _grow(self, size: int) -> None:
        """Gives the arms of open claims the seeds of a look."""
        for name, arm in self.every.items():
            if self.open and (name == BASE or self._needs(arm)):  # controls have the windows of the base
                self.seeds[name] = size

    def _wanted(self) -> Arms[RunConfig]:
        """All arms with the seeds that each has and the ledger has not, those of the cheapest claims first."""
        ordered = sorted(self.seeds, key=self._place())
        chosen = [self.every[name].having(self.every[name].runs[: self.seeds[name]]) for name in ordered]
        return Arms(arm for arm in self._referred(map(self._lacking, chosen)) if len(arm))

    def _plan(self, arms: Arms[RunConfig]) -> Plan:
        name, wanted = f"{self.name}-{self.scale}-decided", studies.wanted(self.name, arms)
        return plan(name, arms, self.store, **wanted, device=self.device, looks=self.looks)

    def _lacking(self, arm: Arm[RunConfig]) -> Arm[RunConfig]:
        """The part of an arm that must be trained: seeds that the ledger lacks, in it or in an arm that goes on from
        it."""
        rows = [row for rows in self.open.values() for row in rows]
        followers = (family for family, name in self.continued.items() if name == arm.name)
        return self.known.lacking(arm, [family.id for family in followers if _followed(rows, family)])

    def _referred(self, arms: Iterable[Arm[RunConfig]]) -> Iterable[Arm[RunConfig]]:
        """The arms, with the runs of the base to which their runs with random labels refer."""
        listed = list(arms)
        held = {run.seed for arm in listed for run in arm if run.random_labels}
        for arm in listed:
            if arm.name != BASE:
                yield arm
                continue
            seeds = held | {run.seed for run in arm}
            yield arm.having(run for run in self.every[BASE] if run.seed in seeds)

    def _place(self) -> Callable[[str], tuple[float, str]]:
        """A sort key of arms: the cost of the cheapest open claim that needs them."""
        costs = {name: sum(map(_steps, arm.runs[:1])) for name, arm in self.every.items()}
        cheapest: dict[str, float] = {}
        for rows in self.open.values():
            needed = [name for name, arm in self.every.items() if _reads(rows, arm)]
            whole = sum(costs[name] for name in needed)
            for name in needed:
                cheapest[name] = min(whole, cheapest.get(name, whole))
        return lambda name: (cheapest.get(name, float("inf")), name)

    def _carried_out(self, arms: Arms[RunConfig]) -> Plan:
        make = partial(self._plan, arms)
        made = make()
        for note in made.notes:
            self.say(f"note: {note}")
        done = carried_out(made, make, until=self.until, say=self.say, **self.conditions)
        if error := first_failure(done.outcomes, len(done.outcomes)):
            raise GrokscopeError(error)
        self.left = done.left
        return done.plan

    def _close(self, card: Scorecard, size: int) -> None:
        """Drops the claims that this look has decided, and says how far the study is."""
        self._drop_decided(card)
        verdicts = ", ".join(f"{n} {verdict.replace('_', ' ')}" for verdict, n in card.counts().items() if n)
        needed = sum(map(self._needs, self.every.values()))
        self.say(f"look at {size} seeds: {verdicts}; {len(self.open)} claims open, which need {needed} arms")

    def _drop_decided(self, card: Scorecard) -> None:
        decided = {(claim.theory, claim.id) for claim in card.claims if claim.current and _is_decided(claim)}
        self.open = {name: rows for name, rows in self.open.items() if name not in decided}

    def _needs(self, arm: Arm[Any]) -> bool:
        """Whether an open claim reads the runs of an arm."""
        return any(_reads(rows, arm) for rows in self.open.values())


def _reads(rows: Iterable[Prediction], arm: Arm[Any]) -> bool:
    return any(row.looks_at(arm) for row in rows)


def _is_decided(claim: Claim) -> bool:
    return claim.verdict in ("supported", "falls_short", "refuted")


def _steps(config: RunConfig) -> float:
    """Products that a run takes, about: enough to order arms by."""
    return work_of(config) * soonest_end(config)


def _followed(rows: Iterable[Prediction], family: Follows) -> bool:
    """Whether some rows read arms of a family that goes on from trained weights."""
    return any(family.id in row.along or any(map(family.begins, (*row.arms, *row.controls))) for row in rows)

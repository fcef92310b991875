"""Runs of a ledger as predictions look at them: configs, and readings that were taken; nothing else is left of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from grokscope.errors import Missing, StoreError
from grokscope.predictions.arms import NO_BOTTLENECK, Arms
from grokscope.predictions.base import UNTRAINED, Theory
from grokscope.predictions.controls import beside_base
from grokscope.predictions.definition import digest
from grokscope.predictions.ledger import Ledger, Line, Ran, named, plain
from grokscope.predictions.readings import At, Number, Reading
from grokscope.predictions.rows import ALWAYS
from grokscope.predictions.verdict import claims
from grokscope.registry import unknown
from grokscope.runs.config import RunConfig


@dataclass(frozen=True)
class Recorded:
    """One run in one arm. values: its readings."""

    ran: Ran
    arm: str
    values: Mapping[Reading, Number]

    @property
    def config(self) -> RunConfig:
        try:
            return self.ran.config
        except ValueError as error:
            raise StoreError(
                f"the arm {self.arm} cannot be made here ({error}): the plugin that it needs must be loaded"
            ) from error

    def value(self, reading: Reading) -> Number:
        """The reading as it was taken. One that the ledger lacks is `Missing`, whatever stands for no answer.

        StoreError for one without a number that every run has.
        """
        taken = self.values.get(plain(reading))
        if isinstance(taken, Missing | None) and reading in ALWAYS:
            raise StoreError(
                f"the ledger has no number of {reading.key!r} of seed {self.ran.seed} in the arm {self.arm}, "
                f"which every run has: lines were lost or changed"
            )
        if taken is None:
            return Missing(f"the ledger has no reading {reading.key} of seed {self.ran.seed} in the arm {self.arm}")
        return reading.instead if isinstance(taken, Missing) and reading.instead is not None else taken


def recorded(ledger: Ledger, theory: Theory) -> Arms[Any]:
    """The arms with their runs, as a theory reads them; the base also as what stands beside it (`beside_base`)."""
    readings = _readings(theory)
    values: dict[tuple[str, int], dict[Reading, Number]] = {}
    for line in ledger.of(theory.id):
        for reading in readings.get((line.row, line.arm == UNTRAINED, line.reading), ()):
            values.setdefault((line.arm, line.seed), {})[reading] = line.number

    def run(ran: Ran, arm: str) -> Recorded:
        return Recorded(ran, arm, values.get((arm, ran.seed), {}))

    return beside_base(ledger.arms, run)


def whole_seeds(ledger: Ledger, theory: Theory) -> dict[str, set[int]]:
    """Claim, in its present wording -> the seeds of which every arm that it reads has a run."""
    found: dict[str, set[int]] = {}
    for one in (one for one in claims(theory) if one.current):
        of_claim = [arm for arm in ledger.arms.values() if any(row.looks_at(arm) for row in one.rows)]
        read = {arm.name: {run.seed for run in arm} for arm in of_claim}
        named = {name for row in one.rows for name in (*row.arms, *row.controls)} - {UNTRAINED, NO_BOTTLENECK}
        seeds = [*read.values(), *(set[int]() for _ in named - set(read))]
        found[one.rows[0].id] = set.intersection(*seeds) if seeds else set()
    return found


def unknown_rows(ledger: Ledger, theories: Iterable[Theory]) -> list[str]:
    """Rows of the lines that no theory has, in words."""
    known = {row for theory in theories for row, _, _ in _readings(theory)}
    return list(map(named, dict.fromkeys(line.row for line in ledger.lines if line.row not in known)))


def require_theories(ledger: Ledger, known: Iterable[str]) -> None:
    """StoreError for lines of a theory that is not known."""
    lacking = sorted({line.theory for line in ledger.lines} - set(known))
    if lacking:
        raise StoreError(
            f"it has lines of an {unknown('theory', lacking[0], known)} The plugin that has it must be loaded"
        )


def notes(ledger: Ledger, theories: Iterable[Theory]) -> Iterator[str]:
    """Remarks on the lines of some theories: readings never taken, or taken with another definition than the present
    one; and rows that the ledger does not have."""
    never, stale, absent = set[Any](), dict[Any, str](), list[str]()
    for theory in theories:
        for line, reading in _otherwise(ledger, theory):
            what = reading.instrument.measure if isinstance(reading, At) else f"the reading {reading.key!r}"
            where = (line.run, line.reading, line.digest)
            never.add(where) if not line.digest else stale.setdefault(where, what)
        absent += _absent(theory, ledger, {line.row for line in ledger.of(theory.id)})
    yield from told(len(never), Counter(stale.values()))
    if absent:
        yield f"the ledger has no line of {len(absent)} rows, such as {absent[0]}: it was written without them"


def require_present(ledger: Ledger, theories: Iterable[Theory]) -> None:
    """StoreError for a reading that was taken with another definition than the present one: nothing can be added."""
    for theory in theories:
        for line, _ in _otherwise(ledger, theory):
            if line.digest:
                raise StoreError(
                    f"{line}: it was taken with another definition than the present one ({line.versions}): nothing can "
                    "be added to this ledger; start another one, or take the version that wrote it"
                )


def _otherwise(ledger: Ledger, theory: Theory) -> Iterator[tuple[Line, Reading]]:
    """The lines that were never taken, or with another definition than the present one, with their readings."""
    readings = _readings(theory)
    for line in ledger.of(theory.id):
        for reading in readings.get((line.row, line.arm == UNTRAINED, line.reading), ()):
            if line.digest != digest(reading):
                yield line, reading


def told(never: int, stale: Mapping[str, int]) -> Iterator[str]:
    """The remarks on readings that nobody has taken, and on those of another definition; stale: how many by measure."""
    if never:
        yield f"{never} readings were never taken: the same study again takes them"
    for what, count in sorted(stale.items()):
        yield f"{count} readings of {what} were taken with another definition of it: the same study takes them anew"


def _readings(theory: Theory) -> dict[tuple[Any, bool, str], list[Reading]]:
    """Row, whether the arm is that of step 0, and key of a line -> the readings of the theory that it answers."""
    found: dict[tuple[Any, bool, str], list[Reading]] = {}
    for row in theory.predictions:
        for reading in dict.fromkeys(map(plain, row.readings)):
            for untrained in (False, True):
                known = replace(reading, stage="untrained") if untrained and isinstance(reading, At) else reading
                place = ((theory.id, row.id, row.part, row.version), untrained, known.key)
                found.setdefault(place, []).append(reading)
    return found


def _absent(theory: Theory, ledger: Ledger, there: set[Any]) -> list[str]:
    """Rows that read an arm of which there are runs, and have no line."""
    arms = [arm for arm in ledger.arms.values() if len(arm)]
    rows = {(theory.id, row.id, row.part, row.version): row for row in theory.predictions if row.readings}
    return [named(name) for name, row in rows.items() if name not in there and any(map(row.looks_at, arms))]

"""The evidence ledger: every reading that a verdict rests on, one line each, beside the arms, their runs and the looks.

Verdicts follow from it alone (`recorded`), without a store and without training. It holds the readings of all wordings
of the claims, earlier ones too: all of them are numbers. A ledger is valid when it is made: one run a seed of an arm,
one value a reading of it, one definition a reading of a claim, and no value that is not a finite number.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.metadata import version
from itertools import groupby
from pathlib import PurePath
from typing import Any

import numpy as np

from grokscope.errors import Missing, StoreError
from grokscope.predictions.arms import BASE, Arm, Arms
from grokscope.predictions.base import Prediction, Theory
from grokscope.predictions.definition import digest
from grokscope.predictions.readings import At, Reading
from grokscope.predictions.subject import Subject
from grokscope.registry import shortened
from grokscope.runs.config import RunConfig
from grokscope.statistics.looks import Looks

START = {"start", "start_hash"}  # fields that differ between the seeds of an arm that goes on from trained weights


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One reading of one run, for one row of a theory.

    claim, part, version: the row. arm: its name; "untrained" is step 0 of the base's runs. reading: its key, with the
    stage. value: or missing, the reason why there is none. digest: of its definition; empty if nobody has taken it.
    versions: of grokscope, when it was taken.
    """

    theory: str
    claim: str
    part: str
    version: int
    arm: str
    seed: int
    reading: str
    run: str
    value: float | None
    missing: str = ""
    digest: str = ""
    versions: str = ""

    @property
    def row(self) -> tuple[str, str, str, int]:
        """The row that it is of."""
        return self.theory, self.claim, self.part, self.version

    @property
    def place(self) -> tuple[Any, ...]:
        """The key among all lines, by which they are sorted."""
        return *self.row, self.arm, self.seed, self.reading

    @property
    def number(self) -> float | Missing:
        """The value, or the reason why there is none."""
        return Missing(self.missing) if self.value is None else self.value

    def __str__(self) -> str:
        return f"{self.reading}, arm {self.arm}, seed {self.seed}"


@dataclass(frozen=True)
class Ran:
    """A run of a ledger: its id and its config in JSON's own types."""

    id: str
    fields: Mapping[str, Any]

    @property
    def seed(self) -> int:
        return self.fields["seed"]

    @cached_property
    def config(self) -> RunConfig:
        return RunConfig(**self.fields)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """arms: those of the study, with their runs by seed. places: name of an arm -> where it stands among them. looks:
    None for one look at all seeds there are. Raises StoreError where something contradicts itself."""

    arms: Arms[Ran]
    places: Mapping[str, int]
    lines: tuple[Line, ...]
    looks: Looks | None = None

    def __post_init__(self) -> None:
        for arm in self.arms.values():
            _check_arm(arm, self.looks)
        _check_lines(self.lines)
        runs = {(arm.name, run.seed): run.id for arm in self.arms.values() for run in arm}
        for line in self.lines:
            known = runs.get((self.arm_of(line), line.seed))
            if known != line.run:
                has = f"has the run {known}" if known else "has no run of it"
                raise StoreError(f"{line}: the line is of the run {line.run}, and the arm {has}")

    def arm_of(self, line: Line) -> str:
        """The arm whose run a line is of: step 0 and the like are of the base's runs."""
        return line.arm if line.arm in self.arms else BASE

    def of(self, theory: str | None = None, claim: str | None = None) -> tuple[Line, ...]:
        """The lines of a theory, or of a claim."""
        return tuple(
            line for line in self.lines if theory in (None, line.theory) and claim in (None, line.claim)
        )  # fmt: skip

    def lacking(self) -> dict[str, list[int]]:
        """Arm -> seeds without a run before its last one: they count against the claims that read it."""
        start = min((run.seed for arm in self.arms.values() for run in arm), default=0)
        first = start if self.looks is None else self.looks.first
        return absent({name: [run.seed for run in arm] for name, arm in self.arms.items()}, first)


def ledger(theories: Iterable[Theory], arms: Arms[Subject], names: Iterable[str], looks: Looks | None) -> Ledger:
    """The ledger of some theories. arms: with all subjects; names: of those that the study has, in their order.

    StoreError for readings of which some were taken with another definition, and for an arm with two runs of one seed.
    """
    listed = {name: arms[name] for name in names}
    lines = (line for theory in theories for row in theory.predictions for line in _lines(theory.id, row, arms))
    return Ledger(
        arms=Arms(_in_json(arm).having(sorted(map(_ran, arm), key=lambda run: run.seed)) for arm in listed.values()),
        places={name: place for place, name in enumerate(listed)},
        lines=tuple(sorted(lines, key=lambda line: line.place)),
        looks=looks,
    )


def absent(seeds: Mapping[str, Sequence[int]], first: int) -> dict[str, list[int]]:
    """Arm -> seeds from the first on that it lacks before its last one. seeds: of each arm."""
    gaps = {arm: sorted(set(range(first, max(own, default=first))) - set(own)) for arm, own in seeds.items()}
    return {arm: gap for arm, gap in gaps.items() if gap}


def told_absent(gaps: Mapping[str, Sequence[int]]) -> Iterator[str]:
    """The same in words, an arm each."""
    for arm, seeds in gaps.items():
        yield f"the arm {arm} has no run of the seeds {ranges(seeds)}: they count against its claims"


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers in words: 3 to 5, 9."""
    groups = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    listed = [[number for _, number in group] for _, group in groups]
    return ", ".join(f"{one[0]} to {one[-1]}" if one[1:] else f"{one[0]}" for one in listed)


def told(looks: Looks | None) -> str:
    """A set of looks in words."""
    if looks is None:
        return "one look at all seeds"
    sizes = ", ".join(map(str, looks.sizes))
    return f"{sizes} seeds from {looks.first} at a level of {looks.level:g}"


def plain(reading: Reading) -> Reading:
    """The reading without a value that stands for no answer."""
    return reading if reading.instead is None else replace(reading, instead=None)


def _lines(theory: str, row: Prediction, arms: Arms[Subject]) -> Iterator[Line]:
    for arm in arms.values():
        for subject in arm if row.looks_at(arm) else ():
            # In the arm of step 0 several stages are one.
            for reading in {subject.key(reading): plain(reading) for reading in row.readings}.values():
                yield Line(
                    theory=theory,
                    claim=row.id,
                    part=row.part,
                    version=row.version,
                    arm=arm.name,
                    seed=subject.config.seed,
                    run=subject.run.id,
                    **_taken(reading, subject),
                )


def _taken(reading: Reading, subject: Subject) -> dict[str, Any]:
    """What a line says of a reading."""
    value = subject.value(reading)
    lacking = isinstance(value, Missing)
    if not lacking and not isinstance(value, int | float | np.number):
        raise StoreError(f"{reading.key} of run {subject.run.id} is {shortened(value)}: a ledger holds numbers")
    about: dict[str, Any] = {"reading": subject.key(reading), "value": None if lacking else float(value)}
    about["missing"] = value.reason if lacking else ""
    if not isinstance(reading, At):
        return about | {"digest": digest(reading), "versions": _version()}
    record = subject.record(reading)
    return about if record is None else about | {"digest": record.digest, "versions": record.versions}


@cache
def _version() -> str:
    return f"grokscope {version('grokscope')}"


def _ran(subject: Subject) -> Ran:
    fields = dict(subject.config.plain)
    if fields.get("start") is not None:  # a path of one machine; its hash says which weights
        fields["start"] = PurePath(fields["start"]).name
    return Ran(subject.run.id, fields)


def _in_json(arm: Arm[Any]) -> Arm[Any]:
    """What an arm changes in JSON's own types, and its other families in an order that does not depend on the study."""
    return replace(arm, changes=json.loads(json.dumps(dict(arm.changes), default=str)), also=in_order(arm.also))


def _check_arm(arm: Arm[Ran], looks: Looks | None) -> None:
    seeds = [run.seed for run in arm]
    for place, seed in enumerate(seeds):
        if seed in seeds[:place]:
            ids = " and ".join(run.id for run in arm if run.seed == seed)
            raise StoreError(f"the arm {arm.name} has two runs of seed {seed}: {ids}")
        if looks is not None and seed not in looks.seeds(looks.sizes[-1]):
            raise StoreError(f"seed {seed} of the arm {arm.name} is in no look: {told(looks)}")
    for name in dict.fromkeys(name for run in arm for name in run.fields):
        values = [run.fields.get(name) for run in arm]
        other = next((value for value in values if value != values[0]), values[0])
        if other != values[0] and values != seeds and not _of_weights(name, values, arm):
            raise StoreError(
                f"runs of the arm {arm.name} differ in {name}, {shortened(values[0])} and {shortened(other)}: they "
                "are two arms under one name"
            )


def _of_weights(name: str, values: Sequence[Any], arm: Arm[Ran]) -> bool:
    """Whether a field differs by seed because the runs go on from trained weights, of which it is a number."""
    following = all(run.fields.get("start_hash") for run in arm)
    return following and (name in START or all(isinstance(value, float) for value in values))


def _check_lines(lines: Sequence[Line]) -> None:
    digests: dict[tuple[Any, ...], str] = {}
    values: dict[tuple[Any, ...], Line] = {}
    for place, line in enumerate(lines):
        if (line.value is None) == (not line.missing) or (line.value is not None and not math.isfinite(line.value)):
            raise StoreError(f"{line}: the value is {line.value}; a line has a finite number, or the reason why not")
        if place and line.place <= lines[place - 1].place:
            raise StoreError(f"{line}: the line stands twice in the row {named(line.row)}")
        if line.digest and digests.setdefault((*line.row, line.reading), line.digest) != line.digest:
            known = digests[(*line.row, line.reading)]
            raise StoreError(
                f"{line}: it was taken with another definition ({line.digest}, not {known}; {line.versions}): take the "
                "readings anew, with one version of grokscope"
            )
        require_same(values.setdefault((line.arm, line.seed, line.reading, line.digest), line), line)


def require_same(one: Line, other: Line) -> None:
    """StoreError if two lines of one reading say different things."""
    if (one.run, one.value, one.missing) != (other.run, other.value, other.missing):
        told = " and ".join(f"{line.missing or line.value!r} of run {line.run}" for line in (one, other))
        raise StoreError(f"{one}: it is there twice: {told}")


def in_order(also: Iterable[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    """Other families of an arm, in an order of their own."""
    return tuple(sorted(also, key=repr))


def named(row: tuple[str, str, str, int]) -> str:
    """A row in words: manifold: dimension.after/planes v2."""
    theory, claim, part, number = row
    return f"{theory}: {claim}{f'/{part}' if part else ''}{f' v{number}' if number > 1 else ''}"

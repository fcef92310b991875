"""From a study, from runs, or from a ledger of readings to a scorecard. Only `_taken` opens checkpoints, for runs that
no study planned."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from grokscope.errors import StoreError
from grokscope.predictions.arms import Arms, runs_of, sorted_into_arms
from grokscope.predictions.base import Theory
from grokscope.predictions.cards import Claim, Row, Scorecard
from grokscope.predictions.controls import asked, asked_by_run, numbers, subjects
from grokscope.predictions.families import placed, read_arms, recogniser
from grokscope.predictions.ledger import Ledger, absent, ledger, told_absent
from grokscope.predictions.ledger_file import file_digest, read_ledger
from grokscope.predictions.recorded import notes, recorded, require_theories, told
from grokscope.predictions.taking import Asked, take, taken
from grokscope.predictions.verdict import judged
from grokscope.registry import unknown
from grokscope.runs.run import Run
from grokscope.runs.store.readings import Place, Record, read_readings
from grokscope.runs.store.segments import digests
from grokscope.statistics.looks import Looks
from grokscope.studies.outline import CARD
from grokscope.theories.base import families, theories


class Studied(Protocol):
    """A study: it has its runs by arm, and the looks at which it is judged, if they are several."""

    @property
    def looks(self) -> Looks | None: ...
    def runs(self) -> Arms[Run]: ...


def judge(
    runs: Run | Mapping[str, Sequence[Run]] | Iterable[Run] | Studied | str | Path, theory: str | None = None
) -> Scorecard:
    """The scorecard of a theory, or of all, for trained runs.

    runs: the path of a ledger, which decides by the readings in it; or a run; or a study, which is judged by the
    readings that it has taken; or arm -> the runs of its seeds; or runs in any order, which are assigned to arms by how
    their configs differ from the one that groks. Readings that are not stored are taken first, unless the runs are a
    study's. Rows without runs say so.

    Raises ValueError for an unknown theory and for no run; StoreError for a file that is no ledger.
    """
    if isinstance(runs, str | Path):
        return judged_ledger(runs, theory)
    runs = [runs] if isinstance(runs, Run) else runs
    if isinstance(runs, Mapping | Iterable):
        return _judged(arms_of(runs), theory, studied=False)
    return _judged(runs.runs(), theory, studied=True, looks=runs.looks)


def scorecard(
    folder: Path, arms: Arms[Run], theory: str | None = None, looks: Looks | None = None
) -> tuple[Scorecard, str]:
    """The verdicts of a study by its trained arms: stored ones where they are of the present numbers; else new ones,
    and a sentence that says so."""
    path, why = folder / CARD, ""
    if path.exists():
        try:
            card = Scorecard.load(path)
            if card.segments == _digests(arms):
                return card, ""
            why = f"{path} is of other numbers than the store has now: the study is judged anew"
        except ValueError as error:
            why = f"{error}: the study is judged anew"
    return _judged(arms, theory, studied=True, looks=looks), why


def _judged(arms: Arms[Run], theory: str | None, *, studied: bool, looks: Looks | None = None) -> Scorecard:
    if not runs_of(arms):
        raise ValueError("expected the runs of at least one arm, got none")
    chosen = _chosen(theory)
    every = asked_by_run(arms, asked(chosen, arms))
    records = readings_of(arms) if studied else _taken(arms, every)
    looked_at = subjects(arms, records, numbers(chosen))
    found = [judged(theory, looked_at, looks) for theory in chosen]
    told = (*_gaps(arms, looks), *_notes(every.values(), records))
    return _card(found, arms, looks, segments=_digests(arms), notes=told)


def judged_ledger(path: str | Path, theory: str | None = None) -> Scorecard:
    """The verdicts that follow from a ledger: those of the study that it was written from, at the ledger's looks."""
    of = read_ledger(path)
    chosen = _chosen(theory)
    if theory is None:
        try:
            require_theories(of, theories())
        except StoreError as error:
            raise StoreError(f"{path}: {error}") from error
    found = [judged(theory, recorded(of, theory), of.looks) for theory in chosen]
    told = (*_gaps(of.arms, of.looks), *notes(of, chosen))
    return _card(found, of.arms, of.looks, ledger=file_digest(path), notes=told)


def ledger_of(study: Studied, looks: Looks | None = None) -> Ledger:
    """The ledger of a study, by the readings that it has stored. looks: of a study that has none of its own.

    StoreError where it has no trained run, or where its readings were taken with several definitions."""
    arms = study.runs()
    if not runs_of(arms):
        raise StoreError("the study has no trained run: there is nothing to write down")
    chosen = list(theories().values())
    return ledger(chosen, subjects(arms, readings_of(arms), numbers(chosen)), arms, study.looks or looks)


def _chosen(theory: str | None) -> list[Theory]:
    """The theory of a name, or all."""
    known = theories()
    if theory is not None and theory not in known:
        raise ValueError(unknown("theory", theory, known))
    return list(known.values()) if theory is None else [known[theory]]


def _card(
    found: Sequence[tuple[list[Claim], list[Row]]], arms: Arms[Any], looks: Looks | None, **about: Any
) -> Scorecard:
    return Scorecard(
        claims=tuple(claim for claims, _ in found for claim in claims),
        rows=tuple(row for _, rows in found for row in rows),
        runs={name: len(arm) for name, arm in arms.items()},
        looks=looks.sizes if looks else (),
        **about,
    )


def arms_of(runs: Mapping[str, Sequence[Run]] | Iterable[Run]) -> Arms[Run]:
    """The arms of runs that are named by arm, or are assigned by the changes of their configs."""
    if isinstance(runs, Arms):
        return runs
    known = families()
    if isinstance(runs, Mapping):
        named = {str(name): list(arm) for name, arm in runs.items()}
        return placed(read_arms(named, known), known, lambda run: run.config)
    return placed(sorted_into_arms(runs, recogniser(known)), known, lambda run: run.config)


def readings_of(arms: Arms[Run]) -> dict[Place, Record]:
    """The stored readings of some runs."""
    records: dict[Place, Record] = {}
    for folder in {run.folder for run in runs_of(arms)}:
        records |= read_readings(folder)
    return records


def _taken(arms: Arms[Run], every: Mapping[str, Asked]) -> dict[Place, Record]:
    """The readings of runs. Missing ones are taken now; of a pack that cannot be written they stay in memory alone."""
    runs = {run.id: run for run in runs_of(arms)}
    records = readings_of(arms)
    for run, of_run in every.items():
        if not of_run.lacking(records):
            continue
        reference = runs[of_run.reference] if of_run.refers and of_run.reference else None
        try:
            new = take(runs[run], of_run, reference)
        except StoreError:
            new = taken(runs[run], of_run, records, reference)
        records |= {record.place: record for record in new}
    return records


def _digests(arms: Arms[Run]) -> dict[str, dict[str, str]]:
    return {folder.name: digests(folder) for folder in sorted({run.folder for run in runs_of(arms)})}


def _gaps(arms: Arms[Any], looks: Looks | None) -> Iterable[str]:
    """Seeds of the looks that are missing in the middle, in words."""
    if looks is not None:
        seeds = {name: [run.config.seed for run in arm] for name, arm in arms.items()}
        yield from told_absent(absent(seeds, looks.first))


def _notes(every: Iterable[Asked], records: Mapping[Place, Record]) -> Iterable[str]:
    """How many readings are missing, and how many were taken with another definition of their measure."""
    never, stale = 0, Counter()
    for of_run in every:
        for reading in of_run.lacking(records):
            if (of_run.run, reading.key, of_run.digest) in records:
                stale[reading.instrument.measure] += 1
            else:
                never += 1
    yield from told(never, stale)

"""Runs a race: tunes every method alike, then judges the chosen cells with new seeds. Started again, it goes on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grokscope.errors import GrokscopeError
from grokscope.predictions.arms import runs_of
from grokscope.studies.conduct import conduct, first_failure
from grokscope.studies.plan import Plan, plan
from grokscope.studies.progress import Say
from grokscope.studies.race.base import Changes, Method, Setting
from grokscope.studies.race.entries import Entry, Goal, by_method, judging, published, tuning
from grokscope.studies.race.results import Result, results
from grokscope.studies.race.tuning import chosen


@dataclass(frozen=True, kw_only=True)
class How:
    """How the work is done. until: time of the clock (time.monotonic) after which no pack is begun."""

    store: Path
    seeds: int
    workers: int | None = None
    until: float = math.inf
    say: Say | None = None


def tuning_plan(methods: Mapping[str, Method], setting: Setting, store: Path) -> tuple[Plan, list[Entry]] | None:
    """The plan of the tuning; None for a setting where nothing is tuned."""
    entries = [] if setting.arms or setting.tuned_in else list(tuning(methods, setting))
    return (_plan(f"race-{setting.id}-tuning", entries, store), entries) if entries else None


def judging_plan(
    methods: Mapping[str, Method],
    setting: Setting,
    tuned: Sequence[Result],
    how: How,
    *,
    stand_in: Mapping[tuple[str, Goal], Changes] = {},
) -> tuple[Plan, list[Entry]] | None:
    """The plan of the judging; None where nothing is tuned yet. tuned: results of the tuning, of this setting or of the
    one that it was tuned in. stand_in: cells of methods whose tuning is not complete."""
    if setting.arms:
        entries = list(published(setting, how.seeds))
    else:
        cells = {**stand_in, **chosen(methods, setting.origin, tuned)}
        entries = list(judging(methods, setting, cells, how.seeds))
    return (_plan(f"race-{setting.id}-judging", entries, how.store), entries) if entries else None


def planned(methods: Mapping[str, Method], setting: Setting, store: Path) -> list[Result]:
    """What the store has of another setting's tuning, if a setting rests on it. GrokscopeError where it is missing."""
    if not setting.tuned_in:
        return []
    made = tuning_plan(methods, setting.origin, store)
    found = [] if made is None else read(*made)
    known = chosen(methods, setting.origin, found)
    if untuned := [name for name in methods if (name, "fast") not in known]:
        raise GrokscopeError(f"{setting.id} takes the cells of {setting.tuned_in}: race {untuned[0]} there first")
    return found


def _plan(name: str, entries: Sequence[Entry], store: Path) -> Plan:
    return plan(name, by_method(entries), store, axes={"method": sorted({one.method for one in entries})}, kept="ends")


def run(methods: Mapping[str, Method], setting: Setting, how: How, tuned: Sequence[Result] = ()) -> list[Result]:
    """The results of one setting, as far as they go by `until`. tuned: of the setting that it was tuned in."""
    rows = list(tuned)
    if (made := tuning_plan(methods, setting, how.store)) is not None:
        rows = _carried(*made, how)
    found = [row for row in rows if row.setting == setting.id]
    if (made := judging_plan(methods, setting, rows, how)) is not None:
        found += _carried(*made, how)
    return found


def _carried(made: Plan, entries: Sequence[Entry], how: How) -> list[Result]:
    """Trains what is missing, and reads what is there. GrokscopeError where a pack failed."""
    todo = len(made.todo)
    outcomes = conduct(made, workers=how.workers, say=how.say, until=how.until)
    if any(outcome.state == "failed" for outcome in outcomes):
        raise GrokscopeError(first_failure(outcomes, todo) or "")
    return read(made, entries)


def read(made: Plan, entries: Sequence[Entry]) -> list[Result]:
    """The results that the store has of a plan."""
    return results(entries, runs_of(made.study.runs()))

"""Two ledgers in one: their lines together.

The outcome depends neither on the order of merging nor on how often a ledger is added, because all that could differ is
refused, but for: a reading that nobody had taken, which gives way to the one that was; the version of grokscope, of
which the first by name stays; the place of an arm among the others; and the families in which an arm stands beside its
own, which are put together.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace

from grokscope.errors import StoreError
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Theory
from grokscope.predictions.ledger import Ledger, Line, Ran, in_order, require_same, told
from grokscope.registry import shortened


def merged(one: Ledger, other: Ledger) -> Ledger:
    """Both together. StoreError where they contradict each other."""
    if one.looks != other.looks:
        raise StoreError(f"it has another set of looks: {told(other.looks)}; the ledger has {told(one.looks)}")
    lines = {line.place: line for line in one.lines}
    for line in other.lines:
        lines[line.place] = _joined(lines[line.place], line) if line.place in lines else line
    places = {
        name: min(known[name] for known in (one.places, other.places) if name in known)
        for name in (*one.places, *other.places)
    }
    both = {
        name: _together(*(of.arms[name] for of in (one, other) if name in of.arms))
        for name in sorted(places, key=lambda name: (places[name], name))
    }
    return Ledger(
        arms=Arms(both.values()),
        places={name: places[name] for name in both},
        lines=tuple(lines[place] for place in sorted(lines)),
        looks=one.looks,
    )


def whole(of: Ledger, theories: Iterable[Theory] = ()) -> dict[str, set[int]]:
    """Arm -> the seeds whose every reading was taken. theories: whose rows must have lines of every arm that they read;
    a ledger may be older than a row."""
    lacking = {(of.arm_of(line), line.seed) for line in of.lines if not line.digest}
    there = {(*line.row, line.arm, line.seed) for line in of.lines}
    for theory in theories:
        for row in (row for row in theory.predictions if row.readings):
            for arm in filter(row.looks_at, of.arms.values()):
                about = (theory.id, row.id, row.part, row.version, arm.name)
                lacking |= {(arm.name, run.seed) for run in arm if (*about, run.seed) not in there}
    return {arm.name: {run.seed for run in arm if (arm.name, run.seed) not in lacking} for arm in of.arms.values()}


def grown(known: Ledger, new: Ledger, theories: Iterable[Theory] = ()) -> Ledger:
    """A ledger with the seeds of another that went on from it: where both have a seed of an arm, one stays with all its
    lines: that of `known`, unless it lacks readings (`whole`) and the new one does not. Arms that are new come last.

    StoreError where they contradict each other otherwise.
    """
    listed = list(theories)
    own, other = whole(known, listed), whole(new, listed)
    better = {name: seeds - own.get(name, set()) for name, seeds in other.items()}
    there = {arm.name: {run.seed for run in arm} for arm in known.arms.values()}
    more = {name: {run.seed for run in arm} - there.get(name, set()) for name, arm in new.arms.items()}
    taken = {name: better[name] | more[name] for name in new.arms}
    last = max(known.places.values(), default=-1) + 1
    later = replace(new, places={name: known.places.get(name, last + place) for name, place in new.places.items()})
    return merged(
        _with(known, {name: there[name] - taken.get(name, set()) for name in known.arms}), _with(later, taken)
    )


def _with(of: Ledger, seeds: Mapping[str, Set[int]]) -> Ledger:
    """The part of a ledger with these seeds of each arm."""
    return replace(
        of,
        arms=of.arms.having(lambda arm: [run for run in arm if run.seed in seeds[arm.name]]),
        lines=tuple(line for line in of.lines if line.seed in seeds.get(of.arm_of(line), ())),
    )


def _joined(one: Line, other: Line) -> Line:
    """The line that stands for two of one place."""
    if not (one.digest and other.digest):  # nobody had taken one of them
        return min(one, other, key=lambda line: (not line.digest, line.run, line.missing))
    if one.digest != other.digest:
        raise StoreError(
            f"{one}: it was taken with other definitions, {one.digest} ({one.versions}) and {other.digest} "
            f"({other.versions}): take the readings anew, with one version of grokscope"
        )
    require_same(one, other)
    return min(one, other, key=lambda line: line.versions)


def _together(one: Arm[Ran], other: Arm[Ran] | None = None) -> Arm[Ran]:
    """An arm with the runs of both."""
    if other is None:
        return one
    for what in ("family", "value", "changes"):
        if getattr(one, what) != getattr(other, what):
            raise StoreError(
                f"two arms are called {one.name}: their {what} is {shortened(getattr(one, what))} and "
                f"{shortened(getattr(other, what))}"
            )
    runs = {(run.seed, run.id): run for run in other} | {(run.seed, run.id): run for run in one}
    for run in other:
        if runs[(run.seed, run.id)] != run:
            raise StoreError(f"run {run.id} of the arm {one.name} has two configs")
    return replace(one, also=in_order({*one.also, *other.also})).having(runs[place] for place in sorted(runs))

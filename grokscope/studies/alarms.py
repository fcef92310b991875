"""Which quantity announces grokking: every series that the runs of a store have, as an alarm.

found = alarms(gs.runs("runs"))
for one in found.quantities: print(one.name, one.judged.sensitivity.value, one.judged.false_alarms.value)
"""

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from grokscope.errors import Missing
from grokscope.measures.base import Measure
from grokscope.registry import component, kept, names
from grokscope.runs.outcomes import phases_of_curves
from grokscope.runs.run import Run, curves_of
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.store.events import is_finished
from grokscope.statistics.alarms import AGES, Judged, Series, at_age, auroc, judged, within_cells
from grokscope.statistics.concordance import of_dummies, with_remaining_time
from grokscope.statistics.intervals import Effect
from grokscope.statistics.paired import Difference, adjusted, in_gain, in_lead

# Axes along which a quantity is repeated (heads, tensors, ...): their mean is one series.
REPEATED = ("tensor", "head", "layer", "frequency", "irrep", "neuron", "index")
FEWEST = 5  # runs of each kind that have a series
SHORTEST = 5  # evaluations from memorising to generalising: below there is no delay to predict
AGE = "time since it memorised"
# What everybody has already. A quantity that does not beat these says nothing new.
TRIVIAL = (AGE, "weights.norm", "behaviour.train_loss", "predictors.gradient_norm")


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantity:
    """name: the measure and its view. trivial: a competitor of every predictor. looks_ahead: it reads the end of its
    own run, so that its lead is none. needs_labels: it reads labels of inputs that are not trained on. areas: by age,
    as a share of the median delay. within: the area at half of it over pairs of one setting, and their number.
    remaining: the concordance with the time that is left there. better, against: the gain, and the lead ln t, less that
    of the best trivial alarm, run by run; p-values are Holm's over all quantities that are not trivial. None for that
    alarm itself, and where too few runs have both."""

    name: str
    trivial: bool
    looks_ahead: bool
    needs_labels: bool
    judged: Judged | Missing
    areas: dict[float, Effect | Missing]
    within: tuple[float, int] | Missing
    n: tuple[int, int]
    remaining: Effect | Missing | None = None
    better: Difference | None = None
    against: Difference | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Alarms:
    """quantities: by gain, largest first. generalised, never: runs. left_out: why runs are not among them, with how
    many. split: the inputs on which generalising is judged. best_trivial: the name of it. dummies: the concordance with
    the time that is left of two forecasts that know nothing of a network (`concordance.of_dummies`)."""

    quantities: list[Quantity]
    generalised: int
    never: int
    left_out: dict[str, int]
    split: str
    best_trivial: str | None
    dummies: dict[str, Effect | Missing] = dataclasses.field(default_factory=dict)


def alarms(runs: Iterable[Run], *, only: Sequence[str] = (), split: str = "fresh") -> Alarms:
    """Every series of these runs as an alarm for their generalising. only: ids of measures; the trivial ones are always
    there. split: fresh or test.

    A run counts from the step at which it memorised. Three classes are counted apart: runs that have not ended, as they
    may generalise yet; runs that never memorised; and runs that generalised fewer than SHORTEST evaluations later, as
    they leave nothing to announce. ValueError for an unknown id.
    """
    for name in only:
        component("measures", name)
    chosen, left_out = _timed(list(runs), split)
    series: dict[str, list[Series]] = defaultdict(list)
    for run, frame in chosen:
        _collect(run, frame, series, only)
    with_weights = next((run for run, _ in chosen if run.has_config and run.checkpoints), None)
    found = [_quantity(name, each, with_weights) for name, each in series.items() if _enough(each)]
    best = max((one for one in found if one.trivial and isinstance(one.judged, Judged)), key=_gain, default=None)
    compared = _compared(found, best, series)
    grokked = sum(frame.generalised is not None for _, frame in chosen)
    return Alarms(
        quantities=sorted(compared, key=lambda one: (-_gain(one), one.name)),
        generalised=grokked,
        never=len(chosen) - grokked,
        left_out=left_out,
        split=split,
        best_trivial=best.name if best else None,
        dummies=of_dummies(series[AGE], AGES[1]),
    )


def _timed(runs: Sequence[Run], split: str) -> tuple[list[tuple[Run, Series]], dict[str, int]]:
    """The runs with their dates, as series of the time since they memorised."""
    chosen: list[tuple[Run, Series]] = []
    left_out: dict[str, int] = defaultdict(int)
    ended = {folder: is_finished(folder) for folder in {run.folder for run in runs}}
    for run, curves in zip(runs, curves_of(runs, split), strict=True):
        if not ended[run.folder]:  # it may generalise yet
            left_out["not ended"] += 1
            continue
        phases = phases_of_curves(curves, {})
        if (memorised := phases.memorized_at) is None:
            left_out["never memorised"] += 1
            continue
        steps = np.asarray(curves["train_accuracy"][0] if len(curves["train_accuracy"][0]) else curves["train_loss"][0])
        end, event = int(steps[-1]), phases.generalized_at
        if event is not None and ((steps > memorised) & (steps <= event)).sum() < SHORTEST:
            left_out["generalised as soon as it memorised"] += 1
            continue
        plain = run.config.plain if run.has_config else {}
        cell = json.dumps({name: value for name, value in plain.items() if name != "seed"}, sort_keys=True, default=str)
        about = {"memorised": memorised, "generalised": event, "end": end, "cell": cell, "seed": plain.get("seed", 0)}
        chosen.append((run, Series(steps=steps, values=(steps - memorised).astype(float), **about)))
    return chosen, dict(left_out)


def _collect(run: Run, frame: Series, series: dict[str, list[Series]], only: Sequence[str]) -> None:
    """Adds the series of a run: `frame` is the trivial one, and has its dates."""
    series[AGE].append(frame)
    rows = run.rows()
    by_name: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for step, measure, view, value in zip(rows.steps.tolist(), rows.measures, rows.views, rows.values, strict=True):
        if not only or measure in only or measure in TRIVIAL:
            by_name[_named(str(measure), str(view))][step].append(float(value))
    for name, values in by_name.items():
        steps = np.array(sorted(values))
        means = np.array([float(np.mean(values[step])) for step in steps.tolist()])
        series[name].append(dataclasses.replace(frame, steps=steps, values=means))


def _named(measure: str, view: str) -> str:
    """The series that a row belongs to: heads, tensors and the like are one."""
    kept = [part for part in view.split(",") if part and part.partition("=")[0] not in REPEATED]
    return f"{measure}[{','.join(kept)}]" if kept else measure


def _enough(each: Sequence[Series]) -> bool:
    known = [one for one in each if len(one.at_risk.steps)]
    grokked = sum(one.generalised is not None for one in known)
    return min(grokked, len(known) - grokked) >= FEWEST


def _quantity(name: str, each: Sequence[Series], run: Run | None) -> Quantity:
    ahead, labels = nature(name.partition("[")[0], run)
    pairs = {age: at_age(each, age) for age in AGES}
    return Quantity(
        name=name,
        trivial=name in TRIVIAL,
        looks_ahead=ahead,
        needs_labels=name in labels,
        judged=judged(each),
        areas={age: auroc(*pair) for age, pair in pairs.items()},
        within=within_cells(each, AGES[1]),
        remaining=with_remaining_time(each, AGES[1]),
        n=(sum(one.generalised is not None for one in each), sum(one.generalised is None for one in each)),
    )


def _gain(one: Quantity) -> float:
    return one.judged.gain if isinstance(one.judged, Judged) else -1.0


def _compared(found: Sequence[Quantity], best: Quantity | None, series: dict[str, list[Series]]) -> list[Quantity]:
    """With their differences from the best trivial alarm, on the runs that have both series."""
    if best is None:
        return list(found)
    known: dict[str, dict[str, Difference]] = {"better": {}, "against": {}}
    theirs = _outcomes(best, series)
    for one in found:
        if one is best or not isinstance(one.judged, Judged):
            continue
        mine = _outcomes(one, series)
        differences = {
            kind: [mine[kind][key] - theirs[kind][key] for key in _both(mine, theirs, kind)] for kind in KINDS
        }
        for name, difference in (
            ("better", in_gain(differences["seen"], [-cried for cried in differences["cried"]])),
            ("against", in_lead(differences["log"])),
        ):
            if not isinstance(difference, Missing):
                known[name][one.name] = difference
    plain = {one.name for one in found if one.trivial}
    for kind, of in known.items():  # the trivial ones compete among themselves, no claim is made of them
        known[kind] = of | adjusted({name: one for name, one in of.items() if name not in plain})
    return [
        dataclasses.replace(one, **{kind: differences.get(one.name) for kind, differences in known.items()})
        for one in found
    ]


KINDS = ("seen", "log", "cried")


def _outcomes(quantity: Quantity, series: dict[str, list[Series]]) -> dict[str, dict[tuple[str, int], Any]]:
    """Whether each run that generalised was seen, and its lead; whether each of the others cried wolf; by setting and
    seed."""
    assert isinstance(quantity.judged, Judged)
    of = {"seen": quantity.judged.seen, "log": quantity.judged.logs, "cried": quantity.judged.cried}
    every = series[quantity.name]
    return {
        kind: dict(
            zip(
                [(run.cell, run.seed) for run in every if (run.generalised is None) == (kind == "cried")],
                values,
                strict=True,
            )
        )
        for kind, values in of.items()
    }


def _both(mine: dict[str, Any], theirs: dict[str, Any], kind: str) -> list[tuple[str, int]]:
    """The runs of a kind that have both, in one order."""
    return sorted(mine[kind].keys() & theirs[kind].keys())


@kept
def nature(measure: str, run: Run | None) -> tuple[bool, frozenset[str]]:
    """Whether a measure reads the end of its run, and which of its series read labels of inputs that are not trained
    on; tried on the network of one run."""
    if run is None or measure not in names("measures"):
        return False, frozenset()
    of: Measure = component("measures", measure)
    snapshot = run.snapshot(run.checkpoints[len(run.checkpoints) // 2])
    asked: list[bool] = []

    def final() -> Snapshot:
        asked.append(True)
        return run.snapshot()

    plain = _known(of, snapshot.replace(final=final))
    ahead = bool(asked)
    held, labels = (~snapshot.train_mask).nonzero().flatten(), snapshot.task.labels.clone()
    labels[held] = labels[held[torch.randperm(len(held), generator=torch.Generator().manual_seed(0))]]
    other = snapshot.replace(task=dataclasses.replace(snapshot.task, labels=labels))
    changed = _known(of, other)
    return ahead, frozenset(name for name, values in plain.items() if values != changed.get(name))


def _known(of: Measure, snapshot: Snapshot) -> dict[str, list[float]]:
    """The values of each series."""
    found: dict[str, list[float]] = defaultdict(list)
    for view, value in of.rows(snapshot):
        if not isinstance(value, Missing):
            found[_named(of.id, view)].append(value)
    return found

"""What a run shows of the manifold: instruments at its stages beside the nulls, and statistics of its series."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from grokscope.errors import Missing
from grokscope.measures.base import Value, evaluate
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.statistics.contrasts import LowHighMid, half_change, low_high_mid
from grokscope.statistics.transitions import Phases

Number = float | Missing
# Checkpoints a level is the median of: fewer than of evaluations, of which there are many more.
WINDOW = 3


@dataclass(frozen=True)
class Instrument:
    """A number of one snapshot: a measure with options, and which element of a small array.

    table: whose elements change places in the null of permuted residues: symbols, labels or neither.
    """

    measure: str
    options: Mapping[str, object]
    element: int | str | None = None
    table: str = ""

    def __call__(self, snapshot: Snapshot) -> Number:
        value: Value | Missing = evaluate(self.measure, snapshot, **self.options)
        if isinstance(value, Missing):
            return value
        if self.element is None:
            return float(np.mean(np.asarray(value)))
        if isinstance(value, Mapping):
            return value.get(str(self.element), Missing(f"no answer at {self.element}"))
        return float(np.asarray(value)[int(self.element)])


def _tables() -> dict[str, Instrument]:
    found = {}
    for title, view, table in (
        ("embedding", "embed/tokens", "symbols"),
        ("class means", "resid_mid/class_means", "labels"),
    ):
        of = {"view": view}
        found |= {
            f"{title}: Gride, n1 = 16": Instrument("manifold.gride", of, 16),
            f"{title}: b0": Instrument("manifold.betti", of, 0),
            f"{title}: b1": Instrument("manifold.betti", of, 1),
            f"{title}: strongest H1 bar, death / birth": Instrument("manifold.persistence_ratio", of),
            f"{title}: equivariance R2": Instrument("manifold.equivariance", of, table=table),
            f"{title}: certified circles": Instrument("manifold.certified_circles", of, table=table),
            f"{title}: circular coordinates, coherence": Instrument("manifold.circular_coordinate", of, table=table),
        }
    return found


INSTRUMENTS: dict[str, Instrument] = {
    "TwoNN, training inputs": Instrument("manifold.dimension", {"view": "resid_mid/train", "method": "mle"}),
    "TwoNN, all inputs (naive)": Instrument("manifold.dimension", {"view": "resid_mid/all", "method": "mle"}),
    "swap distance": Instrument("manifold.swap_distance", {}),
    "dimension, orbits (plateau)": Instrument("manifold.dimension", {"view": "resid_mid/orbits"}),
    "Gride, orbits, n1 = 1": Instrument("manifold.gride", {"view": "resid_mid/orbits"}, 1),
    "Gride, orbits, n1 = 4": Instrument("manifold.gride", {"view": "resid_mid/orbits"}, 4),
    "Gride, orbits, n1 = 16": Instrument("manifold.gride", {"view": "resid_mid/orbits"}, 16),
    "participation ratio, orbits": Instrument("manifold.linear_dimension", {"view": "resid_mid/orbits"}),
    "orbits: b0 (300 landmarks)": Instrument("manifold.betti", {"view": "resid_mid/orbits"}, 0),
    "orbits: b1 (300 landmarks)": Instrument("manifold.betti", {"view": "resid_mid/orbits"}, 1),
    **_tables(),
    "harmonic share of the logits": Instrument("manifold.harmonic_share", {}, table="labels"),
    "attention entropy, mean of heads": Instrument("attention.entropy", {}),
    "attention pattern distance, mean of heads": Instrument("attention.pattern_distance", {}),
}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A run and what its nulls need.

    truth_of: for a control whose labels are random, the run whose ground truth it is measured against; its own labels
    are the classes all the same.
    """

    run: Run
    truth_of: Run | None = None

    @cached_property
    def stages(self) -> dict[str, int]:
        """Checkpoints: the first one; the one nearest the geometric middle of the memorised window; the last one."""
        steps = np.array(self.run.checkpoints)
        found = {"untrained": int(steps[0]), "after": int(steps[-1])}
        window = self.fresh.memorized or self.run.phases().memorized
        start = self.run.phases().memorized_at
        if window is None and start is not None and self.run.phases().generalized_at is None:
            window = (start, int(steps[-1]))
        if window is not None:
            inside = steps[(steps >= window[0]) & (steps < max(window[1], window[0] + 1))]
            near = inside if len(inside) else steps[steps >= window[0]][:1]
            middle = np.log(window[0] * window[1]) / 2
            found["memorised"] = int(near[np.abs(np.log(np.maximum(near, 1)) - middle).argmin()])
        return {stage: found[stage] for stage in ("untrained", "memorised", "after") if stage in found}

    @cached_property
    def fresh(self) -> Phases:
        """The phases on fresh test inputs, where symmetry alone answers nothing; on all of them without fresh ones."""
        return self.run.phases("fresh" if len(self.run.rows("behaviour.fresh_accuracy")) else "test")

    def snapshot(self, step: int, permuted: str = "") -> Snapshot:
        """The network at a step; permuted: with its symbols, or its labels, in a random order."""
        snapshot = self.run.snapshot(step)
        if self.truth_of is not None:
            snapshot.task = dataclasses.replace(snapshot.task, truth=self.truth_of.snapshot(0).task.truth)
        if permuted == "labels":
            order = _order(snapshot.task.n_classes)
            snapshot.task = dataclasses.replace(snapshot.task, labels=order[snapshot.labels])
        elif permuted == "symbols":
            table, n = snapshot.params["W_E"].clone(), snapshot.task.n_symbols
            table[:n] = table[_order(n)]
            snapshot.params["W_E"] = table
        return snapshot

    def readings(self, instruments: Mapping[str, Instrument] = INSTRUMENTS) -> dict[str, dict[str, Number]]:
        """Stage -> instrument -> number; the stage "permuted" is the last checkpoint with its residues permuted."""
        found: dict[str, dict[str, Number]] = {}
        for stage, step in self.stages.items():
            snapshot = self.snapshot(step)
            found[stage] = {name: instrument(snapshot) for name, instrument in instruments.items()}
        nulls = {kind: self.snapshot(self.stages["after"], kind) for kind in ("symbols", "labels")}
        found["permuted"] = {
            name: instrument(nulls[instrument.table]) for name, instrument in instruments.items() if instrument.table
        }
        return found


def _order(n: int) -> torch.Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(0))


def planes(subject: Subject, view: str, step: int) -> dict[str, tuple[Number, Number]]:
    """Of every key frequency, if there are any: b1 and dimension (Gride, n1 = 4) of a table in its plane."""
    snapshot = subject.snapshot(step)
    keys = evaluate("circuits.key_frequencies", snapshot)
    site, found = view.partition("/")[0], {}
    for k in [] if isinstance(keys, Missing) else np.asarray(keys).tolist():
        if 2 * k == snapshot.task.n_classes:
            continue  # a sign, no circle
        of = {"view": f"{site}/frequency={k}"}
        b1 = Instrument("manifold.betti", of, 1)(snapshot)
        found[str(k)] = (b1, Instrument("manifold.gride", of, 4)(snapshot))
    return found


def entropies(run: Run) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Normalised attention entropy of each head and of their mean against the step."""
    rows = run.rows("attention.entropy")
    views = sorted(set(rows.views))
    found = {view: (rows.steps[rows.views == view], rows.values[rows.views == view]) for view in views}
    if found:
        steps = found[views[0]][0]
        found["mean"] = steps, np.mean([values for _, values in found.values()], axis=0)
    return found


def low_high_mids(subject: Subject, *, literal: bool) -> dict[str, LowHighMid | Missing]:
    """The contrasts of each head's entropy and of their mean; literal: any difference of single evaluations counts."""
    found = subject.run.phases()
    return {
        name: low_high_mid(
            steps,
            values,
            memorized_at=found.memorized_at,
            generalized_at=found.generalized_at,
            window=1 if literal else 5,
        )
        for name, (steps, values) in entropies(subject.run).items()
    }


def series(run: Run, measure: str, view: str) -> tuple[np.ndarray, np.ndarray]:
    """A stored series from memorisation on."""
    rows = run.rows(measure)
    start = run.phases().memorized_at or 0
    chosen = (rows.views == view) & (rows.steps >= start)
    return rows.steps[chosen], rows.values[chosen]


def half_way(run: Run, measure: str, view: str) -> int | Missing:
    """The step at which half of a stored measure's change since memorisation is made."""
    steps, values = series(run, measure, view)
    return half_change(steps, values, window=WINDOW)


def share_inside(run: Run, measure: str, view: str, window: tuple[float, float] | None) -> Number:
    """Share of a stored measure's change since memorisation that happens within a window of steps.

    (v(start of the window) - v(end)) / (v(t_mem) - v(last step)), v between checkpoints on the logarithm of the step.
    `Missing` where the whole change is not beyond the series' own fluctuation.
    """
    steps, values = series(run, measure, view)
    if window is None:
        return Missing("the run has no such window")
    if isinstance(change := half_change(steps, values, window=WINDOW), Missing):
        return change
    first, last = np.median(values[:WINDOW]), np.median(values[-WINDOW:])
    at = np.interp(np.log(window), np.log(steps), values)
    return float((at[0] - at[1]) / (first - last))


def where(step: int | Missing, window: tuple[int, int] | None) -> str | Missing:
    """Whether a step lies before, in or after a window."""
    if isinstance(step, Missing) or window is None:
        return step if isinstance(step, Missing) else Missing("the run has no such window")
    return "before" if step < window[0] else "after" if step > window[1] else "in"


def tabulated(
    found: Iterable[Mapping[str, Mapping[str, Number]]], show: Callable[[float], str] = "{:.3g}".format
) -> list[tuple[str, ...]]:
    """Rows of text: an instrument; for each stage the median and range over the runs, and how many lack an answer."""
    runs = list(found)
    stages = list(dict.fromkeys(stage for one in runs for stage in one))
    names = list(dict.fromkeys(name for one in runs for stage in one.values() for name in stage))
    rows = [("instrument", *stages)]
    for name in names:
        cells = []
        for stage in stages:
            values = [one[stage][name] for one in runs if name in one.get(stage, {})]
            known = [value for value in values if not isinstance(value, Missing)]
            if not known:
                cells.append("no answer" if values else "")
                continue
            low, middle, high = (show(float(each)) for each in (min(known), np.median(known), max(known)))
            lacking = f", {len(values) - len(known)} without" if len(known) < len(values) else ""
            cells.append(f"{middle} ({low}–{high}{lacking})" if low != high or lacking else middle)
        rows.append((name, *cells))
    return rows

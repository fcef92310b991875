"""The measures of a watch: which of them the network can answer, and their numbers within a budget."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.checkpoints import fitted
from grokscope.measures.base import NEEDS, Measure, measures
from grokscope.registry import component
from grokscope.runs.outcomes import CURVES
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.snapshots import Snapshots
from grokscope.watch.schedule import GUESS, Budget

OF_PHASES = {f"behaviour.{name}" for name in CURVES}
Values = dict[tuple[str, str], float]  # (measure, view) -> number


class Measuring:
    """asked: ids of measures; None: all cheap ones. Losses and accuracies are always taken, as the phases are found in
    them. cannot: of each measure that was asked for and had no answer at the last look the reason."""

    def __init__(self, asked: Sequence[str] | None, budget: Budget) -> None:
        self.asked = None if asked is None else [component("measures", name) for name in asked]
        self.budget = budget
        self._reasons: dict[str, str] = {}
        self.seconds = 0.0  # of all measures so far
        self._chosen: list[Measure] = []
        self._silent: set[str] = set()  # of the curves those that nobody asked for

    def fit(self, snapshot: Snapshot, *, keeps_start: bool) -> None:
        """Chooses the measures that the network can answer, on the sites that it has. keeps_start: whether its first
        weights will be known."""
        cheap = [measure for measure in measures().values() if measure.cost == "cheap"]
        curves = [measure for measure in cheap if measure.id in OF_PHASES]
        chosen = cheap if self.asked is None else self.asked
        self._silent = {measure.id for measure in curves if measure not in chosen}
        for measure in [*(one for one in curves if one.id in self._silent), *chosen]:
            needs = [need for need in measure.needs if not (need == "initial" and keeps_start)]
            seen = measure.seen(snapshot)
            reasons = [reason for has, reason in map(NEEDS.__getitem__, needs) if not has(seen)]
            if reasons:
                self._reasons[measure.id] = reasons[0]
            else:
                self._chosen.append(fitted(measure, snapshot))

    @property
    def cannot(self) -> dict[str, str]:
        return {name: reason for name, reason in self._reasons.items() if name not in self._silent}

    def found_no_answer(self, reasons: Mapping[str, str]) -> None:
        """Notes measures that had no answer later."""
        self._reasons.update(reasons)

    @property
    def never(self) -> list[str]:
        """The measures that there was never time for."""
        return [measure.id for measure in self._chosen if not self.budget.has_taken(measure.id)]

    def take(self, snapshot: Snapshot) -> Values:
        """The numbers that there is time for. A measure that raises has no answer, and its error is the reason."""
        values: Values = {}
        for measure in self._chosen:
            if self.budget.allows(measure.id, 0.0 if measure.cost == "cheap" else GUESS):
                begun = time.perf_counter()
                try:
                    values |= self._numbers(measure, snapshot)
                except Exception as error:  # of a measure, and so of its network or a plugin
                    said = str(error).splitlines()
                    self._reasons[measure.id] = f"{type(error).__name__}: {said[0] if said else 'no reason given'}"
                self.budget.took(measure.id, time.perf_counter() - begun)
                self.seconds += time.perf_counter() - begun
        return values

    def _numbers(self, measure: Measure, snapshot: Snapshot) -> Values:
        values: Values = {}
        reasons: list[str] = []
        for _, view, value in measure.each_row(Snapshots([snapshot])):
            if isinstance(value, Missing):
                reasons.append(value.reason)
            else:
                values[measure.id, view] = value
        if values:
            self._reasons.pop(measure.id, None)
        elif reasons:
            self._reasons[measure.id] = reasons[0]
        return values


def numbers_of(given: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, float]:
    """What is logged, as numbers; what is none is said, and left out."""
    numbers: dict[str, float] = {}
    for name, value in given.items():
        if value is not None:
            try:
                numbers[name] = float(value.detach()) if isinstance(value, Tensor) else float(value)
            except (TypeError, ValueError, RuntimeError):
                warn(f"{name} is a {type(value).__name__} and no number: it is not kept")
    return numbers

"""The measures of a watch: which of them the network can answer, and their numbers within a budget."""

import time
from collections.abc import Sequence

from grokscope.errors import Missing
from grokscope.measures.analyses.checkpoints import fitted
from grokscope.measures.base import NEEDS, Measure, measures
from grokscope.registry import component
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.snapshots import Snapshots
from grokscope.watch.schedule import GUESS, Budget

Values = dict[tuple[str, str], float]  # (measure, view) -> number


class Measuring:
    """asked: ids of measures; None: all cheap ones. cannot: of each measure without an answer at the last
    look the reason."""

    def __init__(self, asked: Sequence[str] | None, budget: Budget) -> None:
        self.asked = None if asked is None else [component("measures", name) for name in asked]
        self.budget = budget
        self.cannot: dict[str, str] = {}
        self.seconds = 0.0  # of all measures so far
        self._chosen: list[Measure] = []

    def fit(self, snapshot: Snapshot, *, keeps_start: bool) -> None:
        """Chooses the measures that the network can answer, on the sites that it has. keeps_start: whether its first
        weights will be known."""
        chosen = self.asked
        if chosen is None:
            chosen = [measure for measure in measures().values() if measure.cost == "cheap"]
        for measure in chosen:
            needs = [need for need in measure.needs if not (need == "initial" and keeps_start)]
            reasons = [reason for has, reason in map(NEEDS.__getitem__, needs) if not has(snapshot)]
            if reasons:
                self.cannot[measure.id] = reasons[0]
            else:
                self._chosen.append(fitted(measure, snapshot))

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
                    self.cannot[measure.id] = f"{type(error).__name__}: {said[0] if said else 'no reason given'}"
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
            self.cannot.pop(measure.id, None)
        elif reasons:
            self.cannot[measure.id] = reasons[0]
        return values

"""Milliseconds of processor time that each measure takes on one checkpoint, alone, at p = 59, in float64.

The network is the quickstart's after STEPS steps: what a persistence diagram or a count of frequencies costs depends on
what has been learned. Every turn has a snapshot of its own, on which the forward pass is done already: a row is what
the measure adds, and it pays for what it could share with others. Measures without an answer on a stored checkpoint
have no row. All threads count, so that another process takes nothing from the figures.
"""

import time
from tempfile import TemporaryDirectory
from typing import Any

import torch

from grokscope.benchmarks.base import summary
from grokscope.errors import Missing
from grokscope.measures.base import Measure
from grokscope.measures.base import measures as known
from grokscope.recipes.base import recipe
from grokscope.runs.run import Run
from grokscope.studies.experiment import train

STEPS = 1_500


def measures(*, rounds: int = 3, seconds: float = 2.0, prefix: str = "", steps: int = STEPS) -> dict[str, Any]:
    """A row a measure: milliseconds of all its variants, median over the rounds with their spread.

    A call before is not counted, since it imports; a measure that takes longer than `seconds` has that call alone.
    prefix: only measures whose id begins so. steps: of the training before.
    """
    with TemporaryDirectory() as place:
        run = train(recipe("quickstart", max_steps=steps), store=place, device="cpu", progress=False)
        chosen = [measure for name, measure in known().items() if name.startswith(prefix)]
        taken = {measure.id: _turns(measure, run, rounds, seconds) for measure in chosen}
    rows = [
        {"name": name, "kind": known()[name].cost} | summary({"milliseconds": times})
        for name, times in taken.items()
        if times
    ]
    return {"threads": torch.get_num_threads(), "rows": rows}


def _turns(measure: Measure, run: Run, rounds: int, seconds: float) -> list[float]:
    """Milliseconds of each turn; none if the measure has no number for the run's last checkpoint."""
    first, answers = _once(measure, run)
    if all(isinstance(answer, Missing) for answer in answers):
        return []
    return [first] if first > 1e3 * seconds else [_once(measure, run)[0] for _ in range(rounds)]


def _once(measure: Measure, run: Run) -> tuple[float, list[float | Missing]]:
    snapshot = run.snapshot(run.checkpoints[-1])
    _ = snapshot.activations
    start = time.process_time()
    answers = [value for _, value in measure.rows(snapshot)]
    return 1e3 * (time.process_time() - start), answers

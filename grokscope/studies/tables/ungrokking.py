"""Ungrokking and semi-grokking: networks that generalise go on with fewer inputs; networks from scratch beside them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Given
from grokscope.predictions.readings import Number, Series
from grokscope.predictions.rows import text
from grokscope.predictions.seeds import Key, paired
from grokscope.predictions.subject import Subject
from grokscope.statistics.goldilocks import shell
from grokscope.statistics.intervals import Effect, geometric_effect
from grokscope.studies.tables.base import Row, Table, matrix, present

HALF = 0.5  # test accuracy below which generalisation is lost
LAST = 5  # "at the end" is the median of so many evaluations: two of them may be spikes
# Semi-grokking: accuracy on fresh inputs ends between these, and moves by less than DRIFT in the last quarter.
MIDDLING, DRIFT = (0.1, 0.9), 0.1
DECAYS = (1.0, 2.0)
SCRATCH = "varma/scratch"


def _end(split: str, share: Callable[[Subject], float] = lambda _: 1.0) -> Series:
    """Accuracy after a share of the steps, the median of the last evaluations."""
    measure = f"behaviour.{split}_accuracy"

    def of(subject: Subject) -> Number:
        if any(event["event"] == "non-finite" for event in subject.run.events):
            return Missing("the loss was not finite")
        rows = subject.rows(measure)
        values = rows.values[rows.steps <= share(subject) * rows.steps[-1:]]
        return float(np.median(values[-LAST:])) if len(values) else Missing("no evaluation")

    return Series(f"{split} accuracy at the end", of, (measure,))


TEST, FRESH = _end("test"), _end("fresh")
# At the step that has seen as much weight decay as the last step under the smallest decay.
EARLY = _end("test", lambda subject: min(DECAYS) / subject.config.weight_decay)
BEFORE = _end("fresh", lambda _: 0.75)


def _rows(arms: Given) -> Sequence[Row]:
    rows: list[Row] = []
    edges = {}
    for family, along in present(arms, [f"varma/ungrokking/weight_decay={decay:g}" for decay in DECAYS]).items():
        for name, reading in (("test", TEST), ("fresh", FRESH), ("early", EARLY)):
            accuracy, absent = matrix(along, reading)
            if not accuracy.size:
                rows.append({"arm": family, "size": name, "value": Missing(absent[0])})
                continue
            zone = shell(list(along), accuracy, least=HALF, axis="size")
            whole = [key for key, runs in paired(along).items() if not isinstance(runs, Missing)]
            edges[name, family] = {key: edge and edge[0] for key, edge in zip(whole, zone.edges, strict=True)}
            rows.append({"arm": family, "size": f"critical, {name}", "value": zone.low})
        for size, values in zip(along, matrix(along, TEST)[0], strict=True):
            rows.append({"arm": family, "size": size, "value": float(np.mean(values)) if len(values) else ""})
    for name in ("test", "early"):
        both = [of_family for (which, _), of_family in edges.items() if which == name]
        if len(both) == 2:
            rows.append({"arm": f"largest over smallest decay, {name}", "size": "ratio", "value": _ratio(*both)})
    for size, arm in arms.along(SCRATCH).items():
        fresh, before = (matrix({size: arm}, reading)[0].ravel() for reading in (FRESH, BEFORE))
        low, high = MIDDLING
        semi = int(((fresh > low) & (fresh < high) & (np.abs(fresh - before) < DRIFT)).sum())
        rows.append({"arm": SCRATCH, "size": size, "value": f"semi-grokked {semi} of {len(fresh)}"})
    return rows


def _ratio(smallest: Mapping[Key, float | None], largest: Mapping[Key, float | None]) -> Effect | Missing:
    """Of the critical sizes of each seed; `Missing` where a seed lacks one of them."""
    pairs = [(smallest.get(key), largest.get(key)) for key in smallest.keys() | largest.keys()]
    ratios = [high / low for low, high in pairs if low is not None and high is not None]
    if len(ratios) < len(pairs) or not ratios:
        return Missing(f"{len(pairs) - len(ratios)} of {len(pairs)} seeds have no critical size in both")
    return geometric_effect(ratios)


ungrokking = Table(
    id="ungrokking",
    title=text("Un-grokking and semi-grokking", "反顿悟与半顿悟"),
    needs=(*(f"varma/ungrokking/weight_decay={decay:g}" for decay in DECAYS), SCRATCH),
    readings=(TEST, FRESH, EARLY, BEFORE),
    make=_rows,
)

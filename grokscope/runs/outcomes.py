"""What became of the runs of a pack, from their numbers: phases, and the last value of each curve. Needs no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.runs.store.series import read_series
from grokscope.statistics.series import Curve, align
from grokscope.statistics.transitions import Phases, phases

CURVES = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")


def phases_of_curves(curves: Mapping[str, Curve], thresholds: Mapping[str, Any]) -> Phases:
    """`statistics.transitions.phases` of series that may have been evaluated at different steps."""
    # A task without right answers has losses alone.
    some = any(len(steps) for steps, _ in curves.values())
    steps, aligned = align({curve: series for curve, series in curves.items() if len(series[0]) or not some})
    return phases(steps, **aligned, **thresholds)


def outcomes(folder: Path, about: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Of each run what stands in the status at its end. about: the pack's pack.json."""
    names = {curve: f"behaviour.{curve}" for curve in (*CURVES, "fresh_accuracy")}
    found = read_series([folder], list(names.values()))
    nothing = np.array([], np.int64), np.array([])
    last = max((int(steps[-1]) for steps, _ in found.values() if len(steps)), default=0)
    told = {}
    for run in about["runs"]:
        curves = {curve: found.get((run["run"], measure), nothing) for curve, measure in names.items()}
        # A replica whose loss was not finite has no values at the end. Curves from elsewhere end where they end.
        final = {
            curve: float(values[-1]) if len(steps) and (steps[-1] >= last or run["config"] is None) else None
            for curve, (steps, values) in curves.items()
        }
        reached = phases_of_curves({curve: curves[curve] for curve in CURVES}, {})
        told[run["run"]] = reached.as_dict() | {"notes": [str(note) for note in reached.notes]} | final
    return told

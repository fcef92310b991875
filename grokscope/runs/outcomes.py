"""What became of the runs of a pack: phases, and the last value of each curve, from their numbers. Needs no torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.runs.store.events import NON_FINITE, read_events
from grokscope.runs.store.lock import is_held
from grokscope.runs.store.series import read_series
from grokscope.runs.store.status import read_status
from grokscope.statistics.series import Curve, align
from grokscope.statistics.transitions import Phases, phases

CURVES = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
PHASES = ("grokked", "memorized_at", "onset_at", "generalized_at", "delay", "lost_at", "notes")
FINAL = ("train/loss", "train/accuracy", "test/loss", "test/accuracy")
NO_CURVE: Curve = (np.array([], np.int64), np.array([], np.float64))


def phases_of_curves(curves: Mapping[str, Curve], thresholds: Mapping[str, Any]) -> Phases:
    """`statistics.transitions.phases` of series that may have been evaluated at different steps."""
    # A task without right answers has losses alone.
    some = any(len(steps) for steps, _ in curves.values())
    steps, aligned = align({curve: series for curve, series in curves.items() if len(series[0]) or not some})
    return phases(steps, **aligned, **thresholds)


def outcomes(folder: Path, runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Run -> its outcome, as the status has it at the end. runs: entries of "runs" in the pack's pack.json."""
    measures = {curve: f"behaviour.{curve}" for curve in (*CURVES, "fresh_accuracy")}
    series = read_series([folder], list(measures.values()))
    last = max((int(steps[-1]) for steps, _ in series.values() if len(steps)), default=0)
    ended = {event["run"] for event in read_events(folder) if event["event"] == NON_FINITE}
    by_run = {}
    for run in runs:
        curves = {curve: series.get((run["run"], measure), NO_CURVE) for curve, measure in measures.items()}
        # A replica whose loss was not finite has no values at the end. Curves from elsewhere end at different steps.
        first = last + 1 if run["run"] in ended else 0 if run["config"] is None else last
        final = {
            curve: float(values[-1]) if len(steps) and steps[-1] >= first else None
            for curve, (steps, values) in curves.items()
        }
        reached = phases_of_curves({curve: curves[curve] for curve in CURVES}, {})
        by_run[run["run"]] = reached.as_dict() | {"notes": [str(note) for note in reached.notes]} | final
    return by_run


def current_status(folder: Path, end: int | None) -> dict[str, Any]:
    """The pack's status, corrected. end: the step at which the pack finished, or None.

    The status says "running" after its writer was killed; then nobody holds the lock, and the pack is "stopped".
    """
    status = read_status(folder)
    if end is not None:
        return status | {"state": "done", "step": end}
    if status.get("state") == "running" and not is_held(folder):
        return status | {"state": "stopped"}
    return status


def summary(
    folder: Path, about: Mapping[str, Any], run: str, status: Mapping[str, Any], outcome: Mapping[str, Any]
) -> dict[str, Any]:
    """A run in plain JSON types: phases, speed and final values. about: pack.json; status: of `current_status`.

    KeyError for an outcome that does not have everything.
    """
    steps, seconds = int(status.get("step", 0)), status.get("train_seconds")
    return {
        "run": run,
        "dir": str(folder),
        "state": status.get("state", "unknown"),
        **{name: outcome[name] for name in PHASES},
        "imported": about.get("imported", {}).get("file"),
        "steps": steps,
        "steps_per_second": steps / seconds if seconds else None,
        **{name: status.get(name) for name in ("measure_seconds", "train_seconds")},
        "final": {name: outcome[name.replace("/", "_")] for name in FINAL},
    }
